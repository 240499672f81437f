// What a page says of itself belongs to the document: its title and its language.
window.dash_clientside = window.dash_clientside || {};
window.dash_clientside.fudian = {
  told: function () {
    window.requestAnimationFrame(function () {
      const shell = document.querySelector(".shell");
      if (shell) {
        document.documentElement.lang = shell.lang;
        document.title = shell.dataset.title || document.title;
      }
      window.dispatchEvent(new Event("fudian-shown"));
    });
    return window.dash_clientside.no_update;
  },
  listed: function () {
    window.requestAnimationFrame(() => window.dispatchEvent(new Event("fudian-listed")));
    return window.dash_clientside.no_update;
  },
};

// Buttons that decide: what they say, with the fields beside them, goes to the interface; then the page is made anew.
(function () {
  const spoken = () => (document.documentElement.lang.startsWith("zh") ? "zh" : "en");
  function tell(box, words) {
    let note = box.querySelector(":scope > .refusal");
    if (!note) {
      note = document.createElement("p");
      note.className = "refusal warning";
      note.setAttribute("role", "alert");
      box.append(note);
    }
    note.textContent = words;
  }
  function said(button) {
    const say = JSON.parse(button.dataset.say);
    const box = button.classList.contains("send") ? button.closest(".asked") : null;
    for (const field of box ? box.querySelectorAll("input, select") : []) {
      const name = field.name || field.dataset.name;
      const value = field.value.trim();
      if (name && value) {
        say[name] = name === "users" ? value.split(/[,，\s]+/).filter(Boolean) : value;
      }
    }
    say.event_id = crypto.randomUUID ? crypto.randomUUID() : String(Date.now()) + Math.random();
    return say;
  }
  document.addEventListener("click", async function (event) {
    const button = event.target.closest("button.decide");
    if (!button || button.disabled) {
      return;
    }
    const box = button.closest(".asked") || button.closest(".card") || document.body;
    button.disabled = true;
    try {
      const answer = await fetch(button.dataset.to + "?lang=" + spoken(), {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(said(button)),
      });
      const told = await answer.json();
      if (!answer.ok) {
        tell(box, [told.error, told.hint].filter(Boolean).join(" "));
        return;
      }
      const door = button.closest("details.deciding");
      if (door) {
        door.open = false;
        door.querySelectorAll("input").forEach((field) => (field.value = ""));
      }
      window.dash_clientside.set_props("desk-changed", { data: Date.now() });
    } catch (failure) {
      tell(box, String(failure));
    } finally {
      button.disabled = false;
    }
  });
})();
