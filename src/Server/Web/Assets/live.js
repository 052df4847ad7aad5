// One stream of changes (server-sent events) for all open tabs of a browser: the tab that holds the lock keeps the
// stream and passes changes on. A change carries no content; it becomes a DOM event berth:KIND on the body, and
// whatever part of the page is about it asks the server for its present state. While no tab is visible there is no
// stream; a tab that becomes visible again refreshes in full, for it may have missed anything.
(() => {
  if (!document.documentElement.hasAttribute('data-live') || !navigator.locks || !('BroadcastChannel' in window)) return;
  const KINDS = ['session', 'launcher', 'environment', 'pool', 'project', 'node'];
  const pending = new Map();
  const channel = new BroadcastChannel('berth-changes');
  const me = crypto.getRandomValues(new Uint32Array(2)).join('');
  let giveUpLead = null;
  let hearing = false;

  // A pull reports many times a second: parts of the page hear of a kind at most four times a second.
  function tell(kind, id) {
    // More happened than could be told.
    if (kind === 'all') return refresh();
    if (!KINDS.includes(kind)) return;
    if (pending.has(kind)) { pending.get(kind).add(id); return; }
    pending.set(kind, new Set());
    dispatch(kind, [id]);
    const settle = () => {
      const ids = [...pending.get(kind)];
      if (ids.length === 0) { pending.delete(kind); return; }
      pending.set(kind, new Set());
      dispatch(kind, ids);
      setTimeout(settle, 250);
    };
    setTimeout(settle, 250);
  }

  function dispatch(kind, ids) {
    document.body.dispatchEvent(new CustomEvent(`berth:${kind}`, { detail: { ids, id: ids[0] } }));
  }

  function refresh() {
    for (const kind of KINDS) tell(kind, null);
  }

  // Resolves when this tab should lead no longer.
  function lead() {
    return new Promise(resolve => {
      const source = new EventSource('/api/berth/events');
      // From here on everything is heard; what any page shows may have been read before.
      source.addEventListener('listening', () => {
        hearing = true;
        document.body.removeAttribute('data-offline');
        channel.postMessage({ online: true, refresh: true });
        refresh();
      });
      source.addEventListener('change', e => {
        const change = JSON.parse(e.data);
        channel.postMessage({ kind: change.kind, id: change.id });
        tell(change.kind, change.id);
      });
      source.addEventListener('error', () => {
        hearing = false;
        document.body.setAttribute('data-offline', '');
        channel.postMessage({ online: false });
        // A refused stream is not tried again by the browser: after some time another attempt is made, by whichever tab.
        if (source.readyState === EventSource.CLOSED) setTimeout(stop, 5000);
      });
      const stop = () => { source.close(); hearing = false; giveUpLead = null; resolve(); };
      giveUpLead = stop;
    });
  }

  async function stand() {
    while (document.visibilityState === 'visible') {
      const wait = new AbortController();
      const hidden = () => document.visibilityState !== 'visible' && wait.abort();
      document.addEventListener('visibilitychange', hidden);
      try {
        await navigator.locks.request('berth-changes', { signal: wait.signal }, () => {
          // From here on hiding the tab ends the lead itself, not the wait for it.
          document.removeEventListener('visibilitychange', hidden);
          return document.visibilityState === 'visible' ? lead() : undefined;
        });
      } catch (e) {
        if (e.name !== 'AbortError') throw e;
      } finally {
        document.removeEventListener('visibilitychange', hidden);
      }
    }
    standing = false;
  }

  channel.addEventListener('message', e => {
    const { kind, id, online, refresh: all, hello, welcome } = e.data;
    if (kind) tell(kind, id);
    if (hello && hearing) channel.postMessage({ welcome: hello });
    if (welcome === me) refresh();
    if (online !== undefined) document.body.toggleAttribute('data-offline', !online);
    if (all) refresh();
  });

  let standing = false;
  function begin() {
    if (standing) return;
    standing = true;
    // Where another tab keeps the stream, it says so, and this page asks once for what it may have missed.
    channel.postMessage({ hello: me });
    stand();
  }

  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') { refresh(); begin(); } else giveUpLead?.();
  });
  addEventListener('pagehide', () => giveUpLead?.());
  addEventListener('pageshow', e => { if (e.persisted) { refresh(); begin(); } });
  addEventListener('DOMContentLoaded', begin);
})();
