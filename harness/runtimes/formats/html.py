"""One page, without scripts and without anything from elsewhere."""

from __future__ import annotations

from html import escape

from harness.runtimes.formats import _words
from harness.runtimes.records import Course, Report, When

SUMMARY = "one page that needs nothing besides"
_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid #8888; }
td { overflow-wrap: anywhere; }
.silent { font-weight: 600; }
"""


def render(report: Report) -> str:
    kernel = report.kernel
    parts = [f"<p>{escape(_words.summary(report))}</p>"]
    parts.append(f"<p>Linux {escape(kernel.release)}, {report.started}: <code>{escape(report.command)}</code></p>")
    for subject in report.subjects:
        parts.append(f"<h2>{escape(subject.name)}</h2><p>{escape(_words.versions(subject) or subject.summary)}</p>")
        parts += [f"<p>{escape(each)}</p>" for each in (*subject.missing, *subject.errors, *subject.leftovers)]
        parts += [_course(course) for course in subject.courses]
    title = "What container runtimes do when a container cannot die"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _course(course: Course) -> str:
    rows = []
    for when, name in ((When.STUCK, "while it hangs"), (When.ABORTED, "after the abort")):
        for each in _words.asked(course, when):
            silent = ' class="silent"' if each.answer.status is None else ""
            cells = (each.name, name, _words.before(course, each) if when is When.STUCK else "")
            row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
            rows.append(f"<tr>{row}<td{silent}>{escape(_words.answer(each.answer))}</td></tr>")
    head = "".join(f"<th>{name}</th>" for name in ("asked", "when", "before", "answer"))
    return (
        f"<h3>{escape(_words.EXPERIMENTS[course.experiment])}: {course.picture.outcome}</h3>"
        f"<p>{escape(_words.tree(course))}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"<p>{escape(_words.ending(course))}. Lost: {escape(_words.lost(course))}.</p>"
    )
