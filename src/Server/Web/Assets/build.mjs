// Puts together what the pages load: our own files beside this one, and a few of each npm package.
// node build.mjs WORK: packages are in WORK/node_modules, results go to WORK/assets, each also as .br and .gz.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const work = process.argv[2];
const own = name => readFileSync(join(here, name), 'utf8');
const packaged = name => readFileSync(join(work, 'node_modules', name), 'utf8')
  .replace(/^\s*\/[/*]# sourceMappingURL=.*$/gm, '');

// One symbol per icon named in icons.txt, so that a page refers to it by <use>.
function icons() {
  const symbols = own('icons.txt').split(/\s+/).filter(Boolean).map(name => {
    const svg = packaged(`@tabler/icons/icons/outline/${name}.svg`);
    const shapes = svg.slice(svg.indexOf('>', svg.indexOf('<svg')) + 1, svg.lastIndexOf('</svg>'));
    return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, '')}</symbol>`;
  });
  // Its licence asks for its notice to go with every copy.
  const notice = packaged('@tabler/icons/LICENSE').replaceAll('--', '').trim();
  return `<!-- Tabler Icons\n${notice}\n--><svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>`;
}

const results = {
  'berth.css': packaged('@tabler/core/dist/css/tabler.min.css') + own('berth.css'),
  'berth.js': packaged('htmx.org/dist/htmx.min.js') + '\n' + packaged('idiomorph/dist/idiomorph-ext.min.js') + '\n'
    + own('live.js') + '\n' + own('page.js'),
  'log.js': own('log.js'),
  'terminal.css': packaged('@xterm/xterm/css/xterm.css'),
  'terminal.js': packaged('@xterm/xterm/lib/xterm.js') + '\n' + packaged('@xterm/addon-fit/lib/addon-fit.js') + '\n' + own('terminal.js'),
  'theme.js': own('theme.js'),
  'icons.svg': icons(),
  'favicon.svg': own('favicon.svg'),
};

mkdirSync(join(work, 'assets'), { recursive: true });
for (const [name, text] of Object.entries(results)) {
  const file = join(work, 'assets', name);
  const bytes = Buffer.from(text);
  writeFileSync(file, bytes);
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }));
}
