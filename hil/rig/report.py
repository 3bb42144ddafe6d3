"""Reports of a run: JSON for machines, JUnit for a CI, one self-contained page for people."""
import html, json, math
from xml.sax.saxutils import quoteattr

from .run import spread

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2733}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
td,th{padding:.35rem .6rem;border-bottom:1px solid #d8dee6;text-align:left;vertical-align:top}
.pass{color:#16713b;font-weight:600}.fail{color:#b3261e;font-weight:600}.not{color:#7a5b00;font-weight:600}
svg{background:#f7f9fb;border:1px solid #d8dee6}text{font:12px system-ui,sans-serif;fill:#44525f}small{color:#5b6875}"""


def histogram(values, floor_p99):
    """Histogram over a logarithmic axis of ms, with the rig's own floor as a line."""
    width, height, left, low = 860, 200, 45, 30
    if not values:
        return "<p>No latency was measured.</p>"
    decades = (math.floor(math.log10(max(min(values), 1e-3))), math.ceil(math.log10(max(max(values), 1e-2)) + 1e-9))
    decades = (decades[0], max(decades[1], decades[0] + 1))
    bins = [0] * 60
    for v in values:
        place = (math.log10(max(v, 1e-3)) - decades[0]) / (decades[1] - decades[0])
        bins[min(59, max(0, int(place * 60)))] += 1
    most, step = max(bins), (width - left - 10) / 60
    x_of = lambda ms: left + (math.log10(max(ms, 1e-3)) - decades[0]) / (decades[1] - decades[0]) * (width - left - 10)
    parts = [f'<svg viewBox="0 0 {width} {height + low}" width="100%" role="img" aria-label="histogram of latency">']
    for n, count in enumerate(bins):
        tall = count / most * (height - 20)
        parts.append(f'<rect x="{left + n * step:.1f}" y="{height - tall:.1f}" width="{step - 1:.1f}" height="{tall:.1f}" fill="#2f6f9f"/>')
    for decade in range(decades[0], decades[1] + 1):
        x, anchor = x_of(10.0**decade), "end" if decade == decades[1] else "middle"
        parts.append(f'<line x1="{x:.1f}" y1="{height}" x2="{x:.1f}" y2="{height + 5}" stroke="#44525f"/>'
                     f'<text x="{x:.1f}" y="{height + 20}" text-anchor="{anchor}">{10.0**decade:g} ms</text>')
    if decades[0] <= math.log10(max(floor_p99, 1e-3)) <= decades[1]:
        x = x_of(floor_p99)
        parts.append(f'<line x1="{x:.1f}" y1="10" x2="{x:.1f}" y2="{height}" stroke="#b3261e" stroke-dasharray="4 3"/>'
                     f'<text x="{x + 4:.1f}" y="22">the rig\'s own p99</text>')
    parts.append(f'<line x1="{left}" y1="{height}" x2="{width - 10}" y2="{height}" stroke="#44525f"/>'
                 f'<text x="{left - 6}" y="24" text-anchor="end">{most}</text><text x="{left - 6}" y="{height}" text-anchor="end">0</text></svg>')
    return "".join(parts)


def page(result):
    e = html.escape
    out = [f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{e(result['scenario'])} on {e(result['target'])}</title>",
           f"<style>{STYLE}</style><h1>{e(result['scenario'])} on {e(result['target'])}: <span class={result['verdict']}>{result['verdict']}</span></h1>",
           f"<p>{e(result['what'])}</p><p><small>{e(result['version'])} · {e(result['began'])} · {len(result['runs'])} "
           f"{'run' if len(result['runs']) == 1 else 'runs'}</small></p>"]
    for n, run in enumerate(result["runs"]):
        out.append(f"<h2>Run {n + 1}: <span class={run['verdict']}>{run['verdict']}</span></h2>"
                   f"<p>{run['sent']} messages sent, {run['alerts']} alerts came back. The rig itself adds {run['floor_before']['p50_ms']:.3f} ms "
                   f"(p99 {run['floor_before']['p99_ms']:.3f}) before and {run['floor_after']['p50_ms']:.3f} ms (p99 {run['floor_after']['p99_ms']:.3f}) after.</p>")
        for left_out in run["left_out"]:
            out.append(f"<p class=not>Left out: {e(left_out)}</p>")
        out.append("<table><tr><th>Expected<th>Of<th>Wanted<th>Seen<th>Verdict</tr>")
        for x in run["expectations"]:
            out.append(f"<tr><td>{e(x['kind'])}<td>{e(str(x['of']))}<td>{e(x['wanted'])}<td>{e(x['seen'])}<td class={x['verdict'].split()[0]}>{x['verdict']}</tr>")
        out.append("</table>")
        for label, values in run["latency_ms"].items():
            s = spread(values)
            note = " Timing on an emulator is not evaluated; only its shape is of use." if result["emulated"] else ""
            out.append(f"<h2>From {e(label)} sent to alert received</h2>{histogram(values, run['floor_before']['p99_ms'])}"
                       f"<p>{s['count']} measured: p50 {s['p50_ms']:.3f} ms, p99 {s['p99_ms']:.3f} ms, most {s['max_ms']:.3f} ms.{note}</p>")
    return "".join(out)


def junit(results):
    cases = []
    for r in results:
        for n, run in enumerate(r["runs"]):
            wrong = [f"{x['kind']} {x['of']}: wanted {x['wanted']}, seen {x['seen']}" for x in run["expectations"] if x["verdict"] == "fail"]
            inner = f"<failure message={quoteattr('; '.join(wrong))}/>" if wrong else ""
            cases.append(f'<testcase classname={quoteattr("rig." + r["target"])} name={quoteattr(r["scenario"] + " run " + str(n + 1))}>{inner}</testcase>')
    failed = sum(run["verdict"] == "fail" for r in results for run in r["runs"])
    return f'<?xml version="1.0" encoding="UTF-8"?><testsuite name="vedette-rig" tests="{len(cases)}" failures="{failed}">{"".join(cases)}</testsuite>\n'


def write(result, folder):
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{result['file']}-{result['target']}"
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1))
    (folder / f"{name}.html").write_text(page(result))
