// Keeps the page live: the server sends its inner part anew with each change, and at the end the word to load the app.
(() => {
  const box = document.getElementById("status");
  let ahead = 0;

  const duration = (ms) => {
    const s = Math.max(ms, 0) / 1000;
    if (s < 10) return s.toFixed(1) + " s";
    if (s < 60) return Math.floor(s) + " s";
    if (s < 3600) return Math.floor(s / 60) + " min " + Math.floor(s % 60) + " s";
    return Math.floor(s / 3600) + " h " + Math.floor((s % 3600) / 60) + " min";
  };

  const tick = () => {
    for (const time of box.querySelectorAll("time[data-since]"))
      time.textContent = duration(Date.now() + ahead - Number(time.dataset.since));
  };

  const adopt = () => {
    const part = box.querySelector("section");
    if (part.dataset.now) ahead = Number(part.dataset.now) - Date.now();
    document.title = part.dataset.title;
    for (const to of box.querySelectorAll("input[name=to]")) to.value = location.pathname + location.search;
    tick();
  };

  adopt();
  setInterval(tick, 200);

  const events = new EventSource("/_berth/status");
  events.addEventListener("status", (e) => { box.innerHTML = e.data; adopt(); });
  events.addEventListener("ready", () => { events.close(); location.reload(); });
  // A cut line mends itself; a refusal (signed out, gone) does not: the page itself then says what is the matter.
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
  });
})();
