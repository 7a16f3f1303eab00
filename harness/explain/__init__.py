"""Explains what people paste when something hangs: it says the cause, the culprit and the next command of a log.

`stream` cuts bytes into lines, `lines` takes their prefixes off, `dialects/` read them, `builder` puts tasks together,
`explanation` judges, `formats/` write.  It is pure, never reads the machine that it runs on, and never says deadlock: a
text does not show who could still answer.
"""
