"""What the status page looks like: one self-contained HTML document, drawn again every few seconds."""

import hashlib
from base64 import b64encode
from collections.abc import Iterable
from html import escape

from openledger_node.gateway.status import Head, Status

REFRESH_MS = 2_000

STYLE = """
:root{color-scheme:light dark;
--ink:#1d2327;--dim:#5c666d;--paper:#fbfbf9;--card:#ffffff;--line:#e3e4df;--good:#2d6a4f}
@media(prefers-color-scheme:dark){:root{
--ink:#e4e6e3;--dim:#98a19f;--paper:#15181a;--card:#1c2022;--line:#2e3436;--good:#7fc8a0}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.25rem;font-weight:600;margin:0}
h2{font-size:.95rem;font-weight:600;margin:0 0 .5rem;color:var(--dim)}
header p{margin:.25rem 0 1.5rem;color:var(--dim)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));gap:1rem}
section{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1rem;min-width:0}
section.wide{grid-column:1/-1}
table{width:100%;border-collapse:collapse;font-size:.9rem}
th{text-align:left;font-weight:500;color:var(--dim)}
td,th{padding:.3rem .75rem .3rem 0;vertical-align:top;border-top:1px solid var(--line)}
tr:first-child>*{border-top:0}
td.number{font-variant-numeric:tabular-nums}
code{font:.82rem/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.done{color:var(--good)}
.none{color:var(--dim);margin:0}
@media(max-width:36rem){.stack tr{display:grid;grid-template-columns:2.5rem 1fr}
.stack td:last-child{grid-column:1/-1;border-top:0;padding:0 0 .3rem}.stack code{font-size:.76rem}}
nav{margin-top:1.5rem;color:var(--dim);font-size:.9rem}
a{color:inherit}
"""

SCRIPT = """
setInterval(async()=>{if(document.hidden)return;try{const r=await fetch('/status/body');
if(r.ok)document.getElementById('body').innerHTML=await r.text();}catch(e){}},REFRESH);
""".replace("REFRESH", str(REFRESH_MS))


def _source_hash(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src {_source_hash(STYLE)}; script-src {_source_hash(SCRIPT)};"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def page(status: Status) -> str:
    """The whole document."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>OpenLedger node</title><style>{STYLE}</style></head><body><main>"
        "<header><h1>OpenLedger node</h1>"
        f"<p>Chain {status.chain_id}, paying the people behind the data of every inference.</p></header>"
        f'<div id="body">{body(status)}</div>'
        '<nav>For programs: <a href="/api/status">status</a>, <a href="/v1/models">models</a>,'
        ' <a href="/api/jobs">jobs</a>.</nav>'
        f"</main><script>{SCRIPT}</script></body></html>"
    )


def body(status: Status) -> str:
    """What changes."""
    workers = f"{status.workers} connected" if status.workers else "none connected"
    facts = [("Workers", workers), ("Provider", f"<code>{escape(status.provider)}</code>")]
    return (
        '<div class="cards">'
        + _section("Heads", _rows(_head_row(head) for head in status.heads))
        + _section("Node", _rows(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in facts))
        + _section("Jobs", _jobs(status), wide=True)
        + _section("Settlements under way", _settlements(status), wide=True)
        + _section("Contracts", _contracts(status), wide=True)
        + "</div>"
    )


def _section(title: str, content: str, wide: bool = False) -> str:
    kind = ' class="wide"' if wide else ""
    return f"<section{kind}><h2>{title}</h2>{content}</section>"


def _rows(rows: Iterable[str], kind: str = "plain") -> str:
    """A table; of kind "stack", its last column moves below the others on narrow screens."""
    return f'<table class="{kind}">{"".join(rows)}</table>'


def _head_row(head: Head) -> str:
    number = "not known" if head.number is None else f"{head.number:,}"
    return (
        f'<tr><th>{head.name}</th><td class="number">{number}</td>'
        f'<td><code title="{escape(head.hash)}">{escape(head.hash[:10])}</code></td></tr>'
    )


def _jobs(status: Status) -> str:
    if not status.jobs:
        return '<p class="none">No job yet.</p>'
    return _rows(
        f"<tr><td>{escape(job.kind)}</td><td class={escape(str(job.state))}>{escape(str(job.state))}</td>"
        f"<td>{escape(job.error)}</td><td><code>{job.id[:10]}</code></td></tr>"
        for job in status.jobs
    )


def _settlements(status: Status) -> str:
    if not status.settlements:
        return '<p class="none">None.</p>'
    return _rows(
        f"<tr><td>model {plan.model_id}</td>"
        f"<td>receipts {plan.first_receipt} to {plan.receipt_count - 1}</td>"
        f"<td>{f'post {progress.post_id}' if progress.post_id else 'not posted yet'}</td></tr>"
        for plan, progress in status.settlements
    )


def _contracts(status: Status) -> str:
    rows = (
        f"<tr><td>{layer}</td><td>{escape(name)}</td><td><code>{escape(address)}</code></td></tr>"
        for layer, name, address in status.contracts
    )
    return _rows(rows, kind="stack")
