"""One page without scripts and without anything from elsewhere, by the standard library alone."""

from __future__ import annotations

from html import escape

from harness.diagnosis.formats import _words
from harness.diagnosis.records import Diagnosis, Finding
from harness.report.text import plain

SUMMARY = "one page that needs nothing besides"

_STYLE = """
:root { color-scheme: light dark; --line: #8888; --deadlock: #b3142b; --starved: #8a5a00; --other: #4c5560; }
@media (prefers-color-scheme: dark) { :root { --deadlock: #ff9a94; --starved: #f0cc72; --other: #bac4ce; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
td, h2 { overflow-wrap: anywhere; }
pre { overflow-x: auto; padding: .6rem; border: 1px solid var(--line); border-radius: 4px; font-size: 13px; }
.deadlock { color: var(--deadlock); } .starved { color: var(--starved); } .inconclusive { color: var(--other); }
"""


def render(diagnosis: Diagnosis) -> str:
    readings = diagnosis.readings
    body = [f"<h1>{escape(_words.headline(diagnosis))}</h1>"]
    body.append(
        f"<p>By fusezap {escape(diagnosis.version)}, {readings.taken}: <code>{escape(diagnosis.command)}</code></p>"
    )
    if diagnosis.findings:
        body.append(_overview(diagnosis))
    body += [_finding(each) for each in diagnosis.findings]
    unseen = _words.unseen(diagnosis)
    if unseen:
        body.append("<h2>Not seen</h2><ul>" + "".join(f"<li>{escape(each)}</li>" for each in unseen) + "</ul>")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>fusezap diagnose: {escape(_words.headline(diagnosis))}</title>\n<style>{_STYLE}</style>\n</head>\n"
        "<body>\n" + "\n".join(body) + "\n</body>\n</html>\n"
    )


def _overview(diagnosis: Diagnosis) -> str:
    rows = [
        f'<tr><td><a href="#{each.id}">{each.id}</a></td><td class="{each.outcome}">{each.outcome}</td>'
        f"<td>{escape(each.kind)}</td><td>{escape(_words.age(each))}</td>"
        f"<td>{escape(_words.container_text(each.container))}</td></tr>"
        for each in diagnosis.findings
    ]
    head = "".join(f"<th>{name}</th>" for name in ("finding", "outcome", "kind", "stuck", "container"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _finding(finding: Finding) -> str:
    parts = [f'<h2 id="{finding.id}" class="{finding.outcome}">{escape(_words.title(finding))}</h2><table><tbody>']
    parts += [f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in _words.facts(finding)]
    parts.append("</tbody></table>")
    for heading, section in _words.sections(finding):
        if section:
            parts.append(f"<h3>{escape(heading)}</h3><pre>{escape(plain(section))}</pre>")
    return "\n".join(parts)
