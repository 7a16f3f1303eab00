"""Ways to end the hang, one a file.

Each module has `SUMMARY`, `plan(scene) -> Plan` and `execute(scene)`; its name is that of the file, with hyphens.
`plan` changes nothing and can be printed; `execute` acts on the connection of the scene and on no other.
"""
