// A terminal of a session. Frames as in Contracts/Services/ProcessFrames: kind, length of the payload (4 bytes), payload.
(() => {
  const box = document.getElementById('terminal');
  if (!box) return;
  const INPUT = 0, RESIZE = 2, SHOWN = 4, PING = 5, OUTPUT = 16, TAKEN = 18, EXIT = 19, NAME = 20, CLEAR = 21, TAKEN_OVER = 22, PONG = 23;
  const MOST_IN_A_FRAME = 64 * 1024, WINDOW = 1024 * 1024, MOST_KEPT = 64 * 1024;
  // The server sends no more than this ahead of what is on the screen.
  const OUTPUT_WINDOW = 512 * 1024, SAY_SHOWN_AFTER = 32 * 1024;
  // A line that carries nothing any more looks like one on which nothing is said, so the server is asked: soon after input
  // that nobody answers, when the network or the tab is back, and now and then.
  const ASK_AFTER = 2000, ANSWER_WITHIN = 10000, PROBE_WITHIN = 10000, CONNECT_WITHIN = 30000, ASK_EVERY = 15000;
  const state = document.getElementById('terminal-state');
  const again = document.getElementById('terminal-again');
  const dark = () => document.documentElement.getAttribute('data-bs-theme') === 'dark';
  const theme = () => dark()
    ? { background: '#10181f', foreground: '#d7dee4', cursor: '#d7dee4', selectionBackground: '#3b5566' }
    : { background: '#ffffff', foreground: '#1d2733', cursor: '#1d2733', selectionBackground: '#b9d6de',
        yellow: '#8a6100', brightYellow: '#8a6100', green: '#1a7f37', brightGreen: '#1a7f37', cyan: '#0b7285', brightCyan: '#0b7285',
        white: '#59636e', brightWhite: '#1d2733', brightBlack: '#6e7781' };

  const terminal = new Terminal({
    theme: theme(), fontFamily: getComputedStyle(box).fontFamily, fontSize: innerWidth < 600 ? 12 : 14, scrollback: 10000, cursorBlink: true,
    minimumContrastRatio: 4.5,
  });
  const fit = new FitAddon.FitAddon();
  terminal.loadAddon(fit);
  terminal.open(box);
  fit.fit();
  terminal.focus();
  new MutationObserver(() => { terminal.options.theme = theme(); }).observe(document.documentElement, { attributeFilter: ['data-bs-theme'] });

  let socket = null, pending = new Uint8Array(0), room = WINDOW, waiting = [], delay = 0, over = false, shown = 0;
  // Whether input passes; whether a shell was here before; and what became of input while none passed.
  let ready = false, known = false, doubt = '', kept = 0;

  let silent = 0, unanswered = 0, answers = false;
  // Bytes of input: sent, those up to the last that the user typed, and those that are with the shell.
  let sent = 0, typed = 0, taken = 0;
  // What the screen answers when a program asks it, by itself: where the cursor is, what it can do, who has the focus.
  // (Shift and F3 look like the first of them: known, and of no consequence but while the line is away.)
  const ANSWER = /^\x1b(\[[?>]?[\d;]*[Rcn]|\[\??[\d;]*\$y|\[[IO]|[P\]][\s\S]+)$/;

  // Between backticks stand commands, as in all that the server says.
  function say(text, canGoOn = false) {
    state.replaceChildren(...text.split('`').map((part, i) => {
      if (i % 2 === 0) return part;
      const code = document.createElement('code');
      code.textContent = part;
      return code;
    }));
    again.hidden = !canGoOn;
  }

  function frame(kind, payload) {
    const bytes = new Uint8Array(5 + payload.length);
    bytes[0] = kind;
    new DataView(bytes.buffer).setUint32(1, payload.length);
    bytes.set(payload, 5);
    if (socket?.readyState === WebSocket.OPEN) socket.send(bytes);
  }

  function type(bytes, byUser = true) {
    if (!ready) keep(bytes, byUser);
    else {
      enqueue(bytes, byUser);
      flush();
    }
  }

  function enqueue(bytes, byUser) {
    for (let at = 0; at < bytes.length; at += MOST_IN_A_FRAME) waiting.push({ bytes: bytes.subarray(at, at + MOST_IN_A_FRAME), byUser });
  }

  function flush() {
    while (ready && socket.readyState === WebSocket.OPEN && waiting.length && waiting[0].bytes.length <= room) {
      const { bytes, byUser } = waiting.shift();
      room -= bytes.length;
      sent += bytes.length;
      if (byUser) typed = sent;
      frame(INPUT, bytes);
      silent ||= setTimeout(ask, ASK_AFTER);
    }
  }

  // While the line is away. All of it is sent afterwards, or nothing: half a command is another command.
  function keep(bytes, byUser) {
    // A question of before is answered no more.
    if (over || !byUser) return;
    kept += bytes.length;
    if (doubt || kept > MOST_KEPT) drop(doubt || 'What you typed meanwhile was not sent.');
    else enqueue(bytes, byUser);
  }

  function drop(why) {
    waiting = [];
    doubt = why;
  }

  // The shell is there. One that was not here before is not whom the input was meant for.
  function begin(isSame) {
    if (ready) return;
    if (known && !isSame && waiting.length) drop('What you typed meanwhile was not sent: this is a new shell.');
    say(doubt);
    [ready, known, kept, doubt] = [true, true, 0, ''];
    flush();
  }

  function resize() {
    const size = new DataView(new ArrayBuffer(4));
    size.setUint16(0, terminal.rows);
    size.setUint16(2, terminal.cols);
    frame(RESIZE, new Uint8Array(size.buffer));
  }

  function hear(kind, payload) {
    const text = () => new TextDecoder().decode(payload);
    if (kind === OUTPUT) {
      const from = socket;
      begin(false);
      terminal.write(payload, () => show(from, payload.length));
    } else if (kind === PONG) { answers = true; }
    else if (kind === CLEAR) { begin(true); terminal.reset(); }
    else if (kind === TAKEN) {
      const count = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
      room += count;
      taken += count;
      flush();
    }
    else if (kind === NAME) {
      // So that the page, loaded anew, finds the same one.
      const url = new URL(location);
      url.search = '?name=' + encodeURIComponent(text());
      history.replaceState(null, '', url);
      document.getElementById('terminal-name').textContent = text();
      // A shell that was left begins with a cleared screen at once; a new one with its prompt, if it has any.
      const from = socket;
      if (!known) begin(true);
      else setTimeout(() => { if (from === socket && from.readyState === WebSocket.OPEN) begin(false); }, 1000);
    } else if (kind === TAKEN_OVER) { over = true; say('Opened elsewhere.', true); }
    else if (kind === EXIT) {
      const code = new DataView(payload.buffer, payload.byteOffset).getInt32(0);
      const reason = new TextDecoder().decode(payload.subarray(4));
      over = true;
      say(reason ? reason[0].toUpperCase() + reason.slice(1) : `Ended with code ${code}.`, true);
    }
  }

  function show(from, count) {
    if (from !== socket) return;
    shown += count;
    if (shown < SAY_SHOWN_AFTER) return;
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, shown);
    shown = 0;
    frame(SHOWN, bytes);
  }

  function receive(data) {
    const bytes = new Uint8Array(pending.length + data.byteLength);
    bytes.set(pending);
    bytes.set(new Uint8Array(data), pending.length);
    let at = 0;
    while (bytes.length - at >= 5) {
      const length = new DataView(bytes.buffer, at).getUint32(1);
      if (bytes.length - at - 5 < length) break;
      hear(bytes[at], bytes.slice(at + 5, at + 5 + length));
      if (bytes[at] !== PONG) show(socket, bytes[at] === OUTPUT ? 5 : 5 + length);
      at += 5 + length;
    }
    pending = bytes.slice(at);
  }

  function ask() {
    if (unanswered || !answers || socket.readyState !== WebSocket.OPEN) return;
    unanswered = setTimeout(abandon, ANSWER_WITHIN);
    frame(PING, new Uint8Array(0));
  }

  function heard() {
    clearTimeout(silent);
    clearTimeout(unanswered);
    silent = unanswered = 0;
  }

  // Without waiting for the browser to find out.
  function abandon() {
    forget();
    lost();
  }

  function forget() {
    if (!socket) return;
    socket.onclose = socket.onmessage = socket.onopen = null;
    socket.close();
  }

  function connect() {
    const query = new URLSearchParams(location.search);
    query.set('rows', terminal.rows);
    query.set('columns', terminal.cols);
    query.set('window', OUTPUT_WINDOW);
    const address = new URL(`${box.dataset.connect}?${query}`, location);
    address.protocol = address.protocol.replace('http', 'ws');
    heard();
    forget();
    answers = false;
    [pending, room, over, shown] = [new Uint8Array(0), WINDOW, false, 0];
    [sent, typed, taken] = [0, 0, 0];
    socket = new WebSocket(address);
    socket.binaryType = 'arraybuffer';
    unanswered = setTimeout(abandon, CONNECT_WITHIN);
    // Until the first word: the server has to reach the session's agent.
    socket.onopen = () => { delay = 0; };
    socket.onmessage = message => { heard(); receive(message.data); };
    socket.onclose = lost;
  }

  // Whoever opens it again begins anew.
  function leave() {
    if (waiting.length) state.textContent += ' What you typed meanwhile was not sent.';
    [waiting, doubt, kept, known, over] = [[], '', 0, false, true];
  }

  // A refused WebSocket does not say why; the same request without one does.
  async function lost() {
    heard();
    // What was on its way may have arrived or not, and what belongs behind it cannot be sent.
    if (ready && taken < typed) drop('What you typed last may not have arrived.');
    ready = false;
    if (over) { leave(); return; }
    say('Reconnecting …');
    delay = Math.min(delay * 2 || 250, 5000);
    await new Promise(next => setTimeout(next, delay));
    try {
      const answer = await fetch(`${box.dataset.connect}?${new URLSearchParams(location.search)}`, { redirect: 'manual', headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(PROBE_WITHIN) });
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) {
        const problem = await answer.json().catch(() => null);
        say(problem?.error?.message ?? 'The terminal is not yours to open any more.', true);
        leave();
        return;
      }
      if (answer.type === 'opaqueredirect') { location.reload(); return; }
    } catch { /* The server is away; the next attempt tells. */ }
    connect();
  }

  // What was said of lost input stays until its user goes on: the screen itself answers questions of programs by input, too.
  terminal.onKey(() => { if (ready && !over) say(''); });
  terminal.onData(text => type(new TextEncoder().encode(text), !ANSWER.test(text)));
  terminal.onBinary(text => type(Uint8Array.from(text, c => c.charCodeAt(0))));
  terminal.onResize(resize);
  new ResizeObserver(() => fit.fit()).observe(box);
  // Ctrl+C interrupts; with Shift it copies, as terminals do. Pasting is the browser's.
  terminal.attachCustomKeyEventHandler(event => {
    if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey || event.code !== 'KeyC' || !terminal.hasSelection()) return true;
    event.preventDefault();
    document.execCommand('copy');
    return false;
  });
  const KEYS = { esc: '\x1b', tab: '\t', up: '\x1b[A', down: '\x1b[B', left: '\x1b[D', right: '\x1b[C', 'ctrl-c': '\x03', 'ctrl-d': '\x04' };
  document.getElementById('terminal-keys').addEventListener('click', event => {
    const key = event.target.closest('[data-key]')?.dataset.key;
    if (key) { type(new TextEncoder().encode(KEYS[key])); terminal.focus(); }
  });
  addEventListener('online', ask);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) ask(); });
  setInterval(() => { if (!document.hidden) ask(); }, ASK_EVERY);
  again.addEventListener('click', () => { connect(); terminal.focus(); });
  connect();
})();
