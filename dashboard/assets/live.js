// Tells the page of changes at the desk: made anew at once, marked until somebody looked, with a sound that can be turned off.
(function () {
  const STALE_MS = 12000;
  const MOST_KEPT = 500;
  const LISTED_MS = 5000;
  const stored = (name, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem(name)) ?? otherwise;
    } catch {
      return otherwise;
    }
  };
  const store = (name, value) => {
    try {
      localStorage.setItem(name, JSON.stringify(value));
    } catch {
      // a browser that keeps nothing marks nothing
    }
  };
  const changed = {};
  let seen = stored("fudian-seen", null);
  let heardAt = 0;
  let isLost = false;
  let isRefusing = false;
  let socket = null;
  let askedAt = 0;
  let tookMs = 300;
  let waiting = null;
  let sounds = null;
  let toldAt = 0;
  let listedAt = 0;
  let isListing = false;

  function isNew(incident) {
    return changed[incident] > (seen.incidents[incident] || seen.since);
  }

  function look(incident) {
    seen.incidents[incident] = Math.max(changed[incident] || 0, seen.since);
    const kept = Object.entries(seen.incidents).sort((one, other) => other[1] - one[1]).slice(0, MOST_KEPT);
    seen.incidents = Object.fromEntries(kept);
    store("fudian-seen", seen);
  }

  function clock(at) {
    return new Date(at).toTimeString().slice(0, 8);
  }

  function say() {
    const state = document.querySelector(".live-state");
    if (state) {
      const lost = () => state.dataset.lost.replace("{time}", clock(heardAt || Date.now()));
      const words = isLost ? lost() : !heardAt ? "" : isRefusing ? state.dataset.refusing : state.dataset.live;
      if (state.textContent !== words) {
        state.textContent = words;
      }
      state.classList.toggle("warning", isLost || isRefusing);
    }
    const button = document.querySelector("button.sound");
    if (button) {
      const isOn = stored("fudian-sound", true);
      button.textContent = isOn ? button.dataset.on : button.dataset.off;
      button.setAttribute("aria-pressed", String(isOn));
    }
    if (seen === null) {
      return;
    }
    const isHere = location.pathname.includes("dispatch");
    for (const row of document.querySelectorAll("tr[data-incident]")) {
      const incident = row.dataset.incident;
      if (isHere && row.classList.contains("chosen") && document.visibilityState === "visible" && document.hasFocus()) {
        look(incident);
      }
      row.classList.toggle("new", isNew(incident));
    }
    const count = Object.keys(changed).filter((each) => each && isNew(each)).length;
    const shell = document.querySelector(".shell");
    if (shell && shell.dataset.title) {
      document.title = (count ? `(${count}) ` : "") + shell.dataset.title;
    }
    const door = document.querySelector('.shell > nav a[href*="/dispatch"]');
    if (door) {
      door.toggleAttribute("data-count", count > 0);
      if (count) {
        door.dataset.count = String(count);
      }
    }
  }

  function ring() {
    if (!stored("fudian-sound", true)) {
      return;
    }
    try {
      sounds = sounds || new AudioContext();
      const tone = sounds.createOscillator();
      const loudness = sounds.createGain();
      tone.frequency.value = 880;
      loudness.gain.setValueAtTime(0.15, sounds.currentTime);
      loudness.gain.exponentialRampToValueAtTime(0.001, sounds.currentTime + 0.6);
      tone.connect(loudness).connect(sounds.destination);
      tone.start();
      tone.stop(sounds.currentTime + 0.6);
      document.documentElement.dataset.rung = String(Number(document.documentElement.dataset.rung || 0) + 1);
    } catch {
      // no sound here
    }
  }

  // The list of events is small: it is made anew at once, one at a time, before the rest of the page.
  function list() {
    if (!document.getElementById("incidents") || (isListing && Date.now() - listedAt < LISTED_MS)) {
      return;
    }
    isListing = true;
    listedAt = Date.now();
    window.dash_clientside.set_props("desk-told", { data: listedAt });
  }

  // Under a storm of changes the page is made anew no more often than it can be.
  function show() {
    if (waiting || !location.pathname.includes("dispatch")) {
      return;
    }
    const pause = Math.max(0, askedAt + 2 * tookMs - Date.now());
    const until = Date.now() + 60000;
    waiting = setTimeout(function ask() {
      // No form closes under somebody's hands, but for one that is left open.
      if (document.querySelector("details.deciding[open]") && Date.now() < until) {
        waiting = setTimeout(ask, 500);
        return;
      }
      waiting = null;
      askedAt = Date.now();
      window.dash_clientside.set_props("desk-changed", { data: askedAt });
    }, pause);
  }

  function told(message) {
    heardAt = Date.now();
    isRefusing = message.refusing;
    if (isLost) {
      isLost = false;
      show();
    }
    const isFirst = seen === null;
    if (isFirst) {
      seen = { since: message.now, incidents: {} };
      store("fudian-seen", seen);
    }
    const ids = Object.keys(message.changes);
    const isAnythingNew = ids.some((each) => each && !(each in changed) && message.changes[each] > seen.since && !(each in seen.incidents));
    Object.assign(changed, message.changes);
    const opened = message.now - (Date.now() - started);
    if (ids.length && (!message.first || ids.some((each) => message.changes[each] > opened))) {
      toldAt = Date.now();
      list();
      show();
    }
    if (isAnythingNew) {
      ring();
    }
    say();
  }

  function connect() {
    const way = location.protocol === "https:" ? "wss:" : "ws:";
    let isFirst = true;
    socket = new WebSocket(`${way}//${location.host}/api/v1/changes`);
    socket.onmessage = function (event) {
      told({ ...JSON.parse(event.data), first: isFirst && heardAt === 0 });
      isFirst = false;
      if (socket.readyState === WebSocket.OPEN) {
        socket.send("here");
      }
    };
    socket.onclose = () => setTimeout(connect, 1000 + Math.random() * 2000);
  }

  setInterval(function () {
    const lost = Date.now() - (heardAt || started) > STALE_MS;
    if (lost !== isLost && (lost || heardAt)) {
      isLost = lost;
      say();
    }
    if (lost && socket && socket.readyState === WebSocket.OPEN) {
      socket.close();
    }
  }, 1000);
  const started = Date.now();
  window.addEventListener("fudian-shown", function () {
    if (askedAt) {
      tookMs = Math.min(5000, Math.max(100, Date.now() - askedAt));
    }
    if (toldAt > askedAt) {
      list();  // this page was asked for before
    }
    say();
  });
  window.addEventListener("fudian-listed", function () {
    isListing = false;
    if (toldAt > listedAt) {
      list();
    }
    say();
  });
  document.addEventListener("visibilitychange", say);
  window.addEventListener("focus", say);
  document.addEventListener("click", function (event) {
    if (event.target.closest("button.sound")) {
      store("fudian-sound", !stored("fudian-sound", true));
      say();
      return;
    }
    const row = event.target.closest("tr[data-incident]");
    if (row && seen !== null) {
      look(row.dataset.incident);
      say();
    }
  });
  // A page that was asked for before a form was opened may come after it: the form stays open, with what was written in it.
  const forms = new Map();
  const formOf = (element) => element.closest && element.closest("details.deciding");
  const nameOf = (form) => {
    const send = form.querySelector("button.send");
    return send ? `${send.dataset.to} ${send.dataset.say}` : "";
  };

  function note(form) {
    if (!form.open) {
      forms.delete(nameOf(form));
      return;
    }
    const fields = [...form.querySelectorAll("input, select")].map((field) => field.value);
    const at = [...form.querySelectorAll("input, select")].indexOf(document.activeElement);
    forms.set(nameOf(form), { fields, at });
  }

  // A history that was opened stays so when the page is made anew.
  const opened = new Set();
  const placeOf = (history) =>
    location.pathname + location.search + [...document.querySelectorAll("details.history")].indexOf(history);
  document.addEventListener("toggle", (event) => {
    if (event.target.matches("details.history") && event.target.isConnected) {
      opened[event.target.open ? "add" : "delete"](placeOf(event.target));
    }
  }, true);

  function keepOpen() {
    for (const history of opened.size ? document.querySelectorAll("details.history:not([open])") : []) {
      history.open = opened.has(placeOf(history));
    }
    for (const form of forms.size ? document.querySelectorAll("details.deciding:not([open])") : []) {
      const kept = forms.get(nameOf(form));
      if (!kept) {
        continue;
      }
      form.open = true;
      [...form.querySelectorAll("input, select")].forEach((field, place) => {
        const value = kept.fields[place] || "";
        if (field.value !== value) {
          Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
          field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
        }
        if (place === kept.at) {
          field.focus();
        }
      });
    }
  }

  document.addEventListener("toggle", (event) => formOf(event.target) && note(formOf(event.target)), true);
  for (const kind of ["input", "change", "focusin"]) {
    document.addEventListener(kind, (event) => formOf(event.target) && note(formOf(event.target)), true);
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest("details.deciding[open] > summary, details.deciding button.send")) {
      forms.delete(nameOf(formOf(event.target)));  // it is closed, or sent
    }
  }, true);
  new MutationObserver(keepOpen).observe(document.body, { childList: true, subtree: true });
  connect();
})();
