// Prints what @canboat/canboatjs reads of an NMEA 2000 log, one JSON object a message.
const { FromPgn } = require(process.argv[2] + '/node_modules/@canboat/canboatjs')
const parser = new FromPgn()
let line = 0
parser.on('error', () => {})
parser.on('warning', () => {})
parser.on('pgn', m => console.log(JSON.stringify({ n: line, pgn: m.pgn, src: m.src, fields: m.fields })))
for (const text of require('fs').readFileSync(process.argv[3], 'utf8').split('\n')) {
  line += 1
  if (text.trim() && !text.startsWith('#')) {
    try { parser.parseString(text.trim()) } catch (e) { }
  }
}
