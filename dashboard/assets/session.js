// Leads to the sign-in once a session is over.
(function () {
  var asked = window.fetch;
  window.fetch = function () {
    return asked.apply(window, arguments).then(function (answer) {
      if (answer.status === 401 && new URL(answer.url).origin === location.origin) {
        location.assign('/access/sign-in?next=' + encodeURIComponent(location.pathname + location.search));
        return new Promise(function () {}); // the page is being left: nobody reads the refusal
      }
      return answer;
    });
  };
})();
