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
    });
    return window.dash_clientside.no_update;
  },
};
