// The telephone of a crew: shows its jobs, keeps what is reported in the browser, and sends it once the desk can be reached.
(function () {
  const told = JSON.parse(document.getElementById("told").textContent);
  const spoken = document.documentElement.lang.startsWith("zh") ? "zh" : "en";
  const MAY_TAKE_BACK_MS = 3000; // so long a report waits at least: for a position, and for second thoughts
  const AGAIN_MS = 10000;
  const JOBS_MS = 20000;
  const STAGE_OF = { take: "taken", arrived: "arrived", found: "located", isolated: "isolated", partly_restored: "partly_restored", repaired: "repaired", restored: "restored" };
  const main = document.getElementById("main");
  const state = document.getElementById("state");
  const chooser = document.getElementById("crew");
  const positionSwitch = document.getElementById("position");
  let jobs = null;
  let queue = [];
  const drafts = {};
  let chosen = null;
  let isOut = false;
  let isSignedOut = false;
  let isSending = false;
  let crew = stored("fudian-crew", "");

  function stored(name, otherwise) {
    try {
      return localStorage.getItem(name) ?? otherwise;
    } catch {
      return otherwise;
    }
  }
  function keep(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // a browser that keeps nothing asks again
    }
  }
  function say(name, values) {
    return Object.entries(values || {}).reduce((words, [key, value]) => words.replace(`{${key}}`, value), told.words[name] || name);
  }

  // What is kept in the browser ---------------------------------------------------------------------------------------
  const opening = new Promise((resolve, reject) => {
    const asked = indexedDB.open("fudian-crew", 1);
    asked.onupgradeneeded = () => {
      asked.result.createObjectStore("queue", { keyPath: "event_id" });
      asked.result.createObjectStore("kept");
    };
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
  async function within(name, mode, work) {
    const base = await opening;
    return new Promise((resolve, reject) => {
      const change = base.transaction(name, mode);
      const asked = work(change.objectStore(name));
      change.oncomplete = () => resolve(asked && asked.result);
      change.onerror = () => reject(change.error);
      change.onabort = () => reject(change.error);
    });
  }
  async function readQueue() {
    const all = (await within("queue", "readonly", (store) => store.getAll())) || [];
    queue = all.sort((one, other) => one.at - other.at || one.event_id.localeCompare(other.event_id));
  }

  // Reports -----------------------------------------------------------------------------------------------------------
  function position() {
    return new Promise((resolve) => {
      if (!positionSwitch.checked || !navigator.geolocation) {
        resolve(null);
        return;
      }
      const options = { timeout: MAY_TAKE_BACK_MS - 500, maximumAge: 60000, enableHighAccuracy: false };
      navigator.geolocation.getCurrentPosition((found) => resolve(found.coords), () => resolve(null), options);
    });
  }
  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  async function report(incident, kind, more) {
    const row = { event_id: newId(), incident, report: kind, crew_id: crew, at: Date.now(), ...more };
    await within("queue", "readwrite", (store) => store.put(row));
    await readQueue();
    show();
    setTimeout(send, MAY_TAKE_BACK_MS);
    const here = await position();
    if (here && queue.some((each) => each.event_id === row.event_id)) {
      await within("queue", "readwrite", (store) => store.put({ ...row, lon: here.longitude, lat: here.latitude }));
      await readQueue();
    }
  }
  async function forget(eventIds) {
    await within("queue", "readwrite", (store) => {
      eventIds.forEach((each) => store.delete(each));
    });
    await readQueue();
  }
  // What may go now: in order, a photograph by itself.
  function sendable() {
    const ready = queue.filter((each) => !each.refused && Date.now() - each.at >= MAY_TAKE_BACK_MS);
    const first = ready.findIndex((each) => each.photo);
    return first === 0 ? ready.slice(0, 1) : ready.slice(0, first < 0 ? 50 : Math.min(first, 50));
  }
  async function post(rows) {
    const body = rows.map(({ at, refused, ...row }) => ({ ...row, ago_s: Math.max(0, (Date.now() - at) / 1000) }));
    return fetch(`/api/v1/crew/reports?lang=${spoken}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  }
  async function send() {
    if (isSending) {
      return;
    }
    isSending = true;
    let hasSent = false;
    try {
      for (let rows = sendable(); rows.length; rows = sendable()) {
        const answer = await post(rows);
        isSignedOut = answer.status === 401;
        isOut = false;
        if (answer.status >= 500 || [401, 403, 408, 429].includes(answer.status)) {
          break; // the desk cannot take it now: it stays, and is sent again
        }
        const said = await answer.json();
        if (!answer.ok) {
          await refuse(rows[0], [said.error, said.hint].filter(Boolean).join(" "));
          continue;
        }
        await forget(said.outcomes.filter((each) => each.state !== "refused").map((each) => each.event_id));
        for (const each of said.outcomes.filter((one) => one.state === "refused")) {
          await refuse(queue.find((row) => row.event_id === each.event_id), [each.error, each.hint].filter(Boolean).join(" "));
        }
        hasSent = true;
      }
    } catch {
      isOut = true;
    } finally {
      isSending = false;
    }
    show();
    if (hasSent) {
      await look();
    }
  }
  async function refuse(row, why) {
    if (row) {
      await within("queue", "readwrite", (store) => store.put({ ...row, refused: why || "?" }));
      await readQueue();
    }
  }

  // Jobs --------------------------------------------------------------------------------------------------------------
  async function look() {
    try {
      const answer = await fetch(`/api/v1/crew/jobs?lang=${spoken}&crew=${encodeURIComponent(crew)}`);
      isSignedOut = answer.status === 401;
      isOut = answer.status >= 500;
      if (answer.ok) {
        jobs = { ...(await answer.json()), heard: Date.now() };
        await within("kept", "readwrite", (store) => store.put(jobs, "jobs"));
      }
    } catch {
      isOut = true;
    }
    show();
  }

  // What is shown -----------------------------------------------------------------------------------------------------
  function make(tag, name, content, more) {
    const found = document.createElement(tag);
    if (name) {
      found.className = name;
    }
    for (const part of [content].flat()) {
      if (part !== null && part !== undefined && part !== false) {
        found.append(part);
      }
    }
    return Object.assign(found, more || {});
  }
  function button(name, label, onclick) {
    return make("button", name, label, { type: "button", onclick });
  }
  function onTheWall(moment) {
    const found = /^(\d+)-(\d+)-(\d+)T(\d+:\d+)[^+-]*(.*)$/.exec(moment);
    if (!found) {
      return moment;
    }
    const [, , month, day, time, offset] = found;
    const isToday = moment.slice(0, 10) === jobs.at.slice(0, 10);
    return (isToday ? time : `${Number(month)}-${Number(day)} ${time}`) + offset;
  }
  function clock(moment) {
    if (typeof moment === "string") {
      return onTheWall(moment);
    }
    const at = new Date(moment);
    const isToday = at.toDateString() === new Date().toDateString();
    const time = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
    return isToday ? time : `${at.getMonth() + 1}-${at.getDate()} ${time}`;
  }
  function reached(job) {
    const found = new Set(Object.keys(job.stages));
    queue.filter((each) => each.incident === job.incident && !each.refused).forEach((each) => found.add(STAGE_OF[each.report]));
    return found;
  }
  function stageOf(job) {
    const done = reached(job);
    return Object.values(STAGE_OF).reverse().find((stage) => done.has(stage)) || job.stage;
  }
  function facts(job) {
    const due = job.due && !reached(job).has("arrived");
    const isLate = ["missed", "late", "due"].includes(job.clock);
    return make("div", "facts", [
      make("span", job.important ? "abnormal" : "", say("customers", { count: job.customers })),
      job.important ? make("span", "abnormal", say("important", { count: job.important })) : null,
      make("span", "quiet", say("began", { time: clock(job.start) })),
      due ? make("span", isLate ? "abnormal" : "", say(job.clock === "missed" ? "missed" : "due", { time: clock(job.due) })) : null,
    ]);
  }
  function whose(job) {
    const stage = stageOf(job);
    const parts = [stage ? make("span", "stage", say(`stage_${stage}`)) : null, " "];
    if (job.crew_id) {
      parts.push(make("span", "quiet", say("of_crew", { crew: job.crew_id })));
    } else if (job.planned_crew_id === crew && crew) {
      parts.push(make("span", "good", say("planned", { number: job.number })));
    }
    return make("p", "", parts);
  }
  function expected(job) {
    if (job.estimate) {
      return make("p", "quiet", say("estimate", { time: clock(job.estimate) }));
    }
    if (job.by_plan) {
      return make("p", "quiet", say("by_plan", { high: clock(job.high) }));
    }
    const range = job.switched_by ? "others_range" : "range";
    const others = job.low && job.high ? say(range, { low: clock(job.low), high: clock(job.high) }) : "";
    const sooner = job.switched_by ? say("sooner", { count: job.by_switching, time: clock(job.switched_by) }) : "";
    const said = [sooner, job.out_of_depth && job.low ? say("unsure") : others].filter((each) => each);
    return said.length ? make("div", "", said.map((each) => make("p", "quiet", each))) : null;
  }
  function title(job) {
    return [job.name || job.incident, job.place ? make("small", "quiet", ` ${job.place}`) : null];
  }
  function listed() {
    const rows = jobs ? jobs.rows : [];
    const mine = rows.filter((each) => jobs.mine.includes(each.incident));
    const others = rows.filter((each) => !jobs.mine.includes(each.incident));
    const entry = (job) =>
      button("card", [make("h2", "", title(job)), whose(job), facts(job)], () => {
        location.hash = encodeURIComponent(job.incident);
      });
    const parts = crew ? [] : [make("p", "abnormal", say("choose"))];
    parts.push(make("h3", "", say("jobs")), ...mine.map(entry));
    if (!mine.length && jobs) {
      parts.push(make("p", "quiet", say("none")));
    }
    return others.length ? [...parts, make("h3", "", say("others")), ...others.map(entry)] : parts;
  }
  function step(job, kind) {
    if (kind === "restored" && !window.confirm(say("sure"))) {
      return;
    }
    report(job.incident, kind);
  }
  function section(job, each) {
    const waiting = queue.filter((row) => row.incident === job.incident && !row.refused && row.branches);
    const last = waiting.reverse().find((row) => row.branches.join() === each.branches.join());
    const found = last ? last.report === "found" : each.found;
    const [first, ...beyond] = each.between;
    const name = beyond.length ? say("section", { first, last: beyond.join(", ") }) : first || each.branches[0];
    const bar = make("div", "bar", make("i", "", null));
    bar.firstChild.style.width = `${Math.round(each.probability * 100)}%`;
    const word = found === true ? make("span", "abnormal", say("said_found")) : found === false ? make("span", "quiet", say("said_not")) : null;
    return make("div", "section", [
      make("div", "row", [make("b", "", name), make("span", "", `${Math.round(each.probability * 100)}%`)]),
      bar,
      word,
      make("div", "pair", [
        button("small", say("found_here"), () => report(job.incident, "found", { branches: each.branches })),
        button("small", say("not_here"), () => report(job.incident, "not_here", { branches: each.branches })),
      ]),
    ]);
  }
  async function photographed(job, file) {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
    const canvas = make("canvas");
    canvas.width = Math.max(1, Math.round(picture.width * scale));
    canvas.height = Math.max(1, Math.round(picture.height * scale));
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    await report(job.incident, "photo", { photo: canvas.toDataURL("image/jpeg", 0.75) });
  }
  function besides(job) {
    const input = make("input", "", null, { type: "file", accept: "image/*", id: "photo" });
    input.setAttribute("capture", "environment");
    input.onchange = () => input.files[0] && photographed(job, input.files[0]);
    const words = make("textarea", "", null, { maxLength: 1000, id: "note" });
    words.setAttribute("aria-label", say("note"));
    words.value = drafts[job.incident] || ""; // what is typed stays, however often the page is shown anew
    words.addEventListener("input", () => {
      drafts[job.incident] = words.value;
    });
    const ready = () => {
      const note = words.value.trim();
      if (note) {
        words.value = drafts[job.incident] = "";
        report(job.incident, "note", { note });
      }
    };
    return [make("h3", "", say("note")), words, make("div", "steps", [button("small", say("send_note"), ready), make("label", "file", [say("photo"), input])])];
  }
  function pending(job) {
    const rows = queue.filter((each) => each.incident === job.incident);
    return rows.map((each) =>
      make("div", "pending", [
        make("span", each.refused ? "abnormal" : "quiet", `${clock(each.at)} ${say(each.report)} · ${say(each.refused ? "refused" : "unsent")}${each.refused ? ": " + each.refused : ""}`),
        button("link", say(each.refused ? "dismiss" : "take_back"), () => forget([each.event_id]).then(show)),
      ])
    );
  }
  function detailed(job) {
    const done = reached(job);
    const next = told.steps.find((each) => !done.has(STAGE_OF[each]) && each !== "partly_restored");
    const others = told.steps.filter((each) => each !== next);
    const parts = [
      button("link", `‹ ${say("back")}`, () => {
        location.hash = "";
      }),
      make("section", "card", [
        make("h2", "", title(job)),
        whose(job),
        facts(job),
        expected(job),
        job.lon !== null ? make("a", "map", say("map"), { href: `geo:${job.lat},${job.lon}?q=${job.lat},${job.lon}` }) : null,
        next && (next !== "found" || !job.sections.length) ? button("big", say(next), () => step(job, next)) : null,
        ...pending(job),
      ]),
    ];
    if (job.sections.length) {
      parts.push(make("section", "card", [make("h3", "", say("sections")), ...job.sections.map((each) => section(job, each))]));
    }
    const choices = others
      .filter((each) => each !== "found" || !job.sections.length)
      .map((each) => button("small", done.has(STAGE_OF[each]) ? `✓ ${say(each)}` : say(each), () => step(job, each)));
    parts.push(make("section", "card", [make("h3", "", say("other_steps")), make("div", "steps", choices), ...besides(job)]));
    return parts;
  }
  function tell() {
    const waiting = queue.filter((each) => !each.refused).length;
    const parts = [say(isOut ? "offline" : "online")];
    if (waiting) {
      parts.push(say("waiting", { count: waiting }));
    }
    if (jobs && isOut) {
      parts.push(say("as_of", { time: clock(jobs.heard) }));
    }
    state.textContent = isSignedOut ? say("signed_out") + " " : parts.join(" · ");
    if (isSignedOut) {
      state.append(make("a", "", say("sign_in"), { href: `/access/sign-in?next=${encodeURIComponent("/crew?lang=" + spoken)}&lang=${spoken}` }));
    }
    state.classList.toggle("out", isOut || isSignedOut);
    state.dataset.waiting = String(waiting);
  }
  function show() {
    tell();
    const crews = jobs ? jobs.crews : [];
    if (document.activeElement !== chooser) {
      const names = [["", "–"], ...crews.map((each) => [each.crew_id, each.name ? `${each.crew_id} ${each.name}` : each.crew_id])];
      chooser.replaceChildren(...names.map(([value, label]) => make("option", "", label, { value })));
      chooser.value = crew;
    }
    if (document.activeElement && document.activeElement.id === "note" && document.activeElement.value) {
      return; // nothing is taken from under somebody's hands
    }
    const job = jobs && jobs.rows.find((each) => each.incident === chosen);
    main.replaceChildren(...(job ? detailed(job) : listed()));
  }
  function follow() {
    chosen = decodeURIComponent(location.hash.slice(1)) || null;
    show();
    window.scrollTo(0, 0);
  }

  chooser.onchange = () => {
    crew = chooser.value;
    keep("fudian-crew", crew);
    chooser.blur();
    look();
  };
  positionSwitch.checked = stored("fudian-position", "") === "yes";
  positionSwitch.onchange = () => keep("fudian-position", positionSwitch.checked ? "yes" : "");
  document.getElementById("out").onsubmit = () => within("kept", "readwrite", (store) => store.clear());
  window.addEventListener("hashchange", follow);
  window.addEventListener("online", send);
  window.addEventListener("offline", () => {
    isOut = true;
    show();
  });
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && (look(), send()));
  setInterval(send, AGAIN_MS);
  setInterval(() => document.visibilityState === "visible" && look(), JOBS_MS);
  if ("serviceWorker" in navigator) {
    navigator.serviceWorker.register("/crew/worker.js", { scope: "/crew" }).catch(() => {});
  }
  (async function begin() {
    await readQueue();
    jobs = (await within("kept", "readonly", (store) => store.get("jobs"))) || null;
    follow();
    await look();
    const own = jobs && jobs.crews.find((each) => each.crew_id === told.who);
    if (!crew && own) {
      crew = own.crew_id;
      keep("fudian-crew", crew);
      await look();
    }
    await send();
  })();
})();
