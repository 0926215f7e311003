// The live part of the feed page. Everything it inserts was rendered, and escaped, by the server.
"use strict";

(() => {
  const board = document.getElementById("board");
  if (!board) return;

  const words = board.dataset;
  const feed = document.getElementById("feed");
  const figures = document.getElementById("figures");
  const figuresAway = document.getElementById("figures-away");
  const status = document.getElementById("status");
  const statusText = document.getElementById("status-text");
  const pauseButton = document.getElementById("pause");
  const waitingButton = document.getElementById("waiting");
  const most = Number(words.shown);
  const silence = Number(words.heartbeat) * 2500; // milliseconds without a sign of life

  let resume = words.resume;
  let source = null;
  let retry = 0;
  let heard = Date.now();
  let paused = false;
  let drawing = 0;
  let queue = []; // lines not shown yet, oldest first
  let held = 0; // lines that came while paused

  function say(state) {
    const shown = state === "live" && paused ? "paused" : state;
    status.dataset.state = shown;
    status.dataset.link = state;
    if (statusText.textContent !== words[shown]) statusText.textContent = words[shown];
  }

  function connect() {
    clearTimeout(retry);
    if (source) source.close();
    heard = Date.now();
    source = new EventSource(words.events + "&after=" + encodeURIComponent(resume));
    source.addEventListener("live", () => { heard = Date.now(); say("live"); });
    source.addEventListener("beat", () => { heard = Date.now(); });
    source.addEventListener("line", (event) => {
      heard = Date.now();
      resume = event.lastEventId || resume;
      take(event.data);
    });
    source.addEventListener("away", () => { heard = Date.now(); say("away"); });
    source.addEventListener("signin", () => { location.assign("/login"); });
    source.addEventListener("reload", () => { location.reload(); });
    source.onerror = () => {
      if (status.dataset.link !== "away") say("lost");
      if (source.readyState === EventSource.CLOSED) again(); // The browser gives up on any answer but 200.
    };
  }

  function again() {
    clearTimeout(retry);
    retry = setTimeout(connect, 3000 + Math.random() * 2000);
  }

  function disconnect() {
    clearTimeout(retry);
    if (source) source.close();
    source = null;
  }

  function take(html) {
    queue.push(html);
    if (queue.length > most) queue = queue.slice(-most); // Older ones would not be shown anyway.
    if (paused) {
      held += 1;
      tellHeld();
    } else if (!drawing) {
      drawing = requestAnimationFrame(draw);
    }
  }

  function draw() {
    drawing = 0;
    const pieces = document.createElement("template");
    pieces.innerHTML = queue.reverse().join("");
    queue = [];
    const known = new Set(Array.from(feed.children, (line) => line.dataset.item));
    for (const line of Array.from(pieces.content.children)) {
      if (known.has(line.dataset.item)) line.remove();
      else line.classList.add("new");
    }
    feed.prepend(pieces.content);
    while (feed.children.length > most) feed.lastElementChild.remove();
    document.getElementById("empty").hidden = feed.children.length > 0;
  }

  function tellHeld() {
    waitingButton.hidden = held === 0;
    waitingButton.textContent = words.waiting.replace("{count}", String(held));
  }

  function pause(now) {
    paused = now;
    pauseButton.setAttribute("aria-pressed", String(paused));
    pauseButton.textContent = paused ? words.continue : words.pause;
    if (status.dataset.link) say(status.dataset.link);
    if (!paused) {
      held = 0;
      tellHeld();
      if (queue.length) draw();
    }
  }

  let shownFigures = figures.innerHTML;

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(words.figures, { cache: "no-store", credentials: "same-origin" });
      if (answer.status === 401) { location.assign("/login"); return; }
      if (!answer.ok) { figuresAway.hidden = false; return; }
      const html = await answer.text();
      figuresAway.hidden = true;
      if (html === shownFigures) return;
      const at = scrolled();
      shownFigures = html;
      figures.innerHTML = html;
      scrolled(at);
    } catch {
      figuresAway.hidden = false;
    }
  }

  // On a small screen the rows lie side by side: a refresh must not lose the viewer's place, or their focus.
  function scrolled(at) {
    const body = document.getElementById("scores-body");
    if (!body) return null;
    if (at) {
      body.scrollLeft = at.left;
      if (at.focused) body.focus({ preventScroll: true });
    }
    return { left: body.scrollLeft, focused: document.activeElement === body };
  }

  pauseButton.hidden = false;
  pauseButton.addEventListener("click", () => pause(!paused));
  waitingButton.addEventListener("click", () => pause(false));
  for (const choice of document.querySelectorAll(".filters select")) {
    choice.addEventListener("change", () => choice.form.requestSubmit());
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { disconnect(); return; } // A browser has few connections; the token resumes without a gap.
    connect();
    refresh();
  });
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  setInterval(() => {
    if (source && Date.now() - heard > silence) { say("lost"); connect(); }
  }, 5000);
  setInterval(refresh, Number(words.refresh) * 1000);
  if (!document.hidden) connect();
})();
