// Draws the figures one after another, so that the page can be read and scrolled from the first moment.
(function () {
  "use strict";
  var waiting = Array.prototype.slice.call(document.querySelectorAll("script[data-figure]"));
  function next() {
    var source = waiting.shift();
    if (!source) {
      document.documentElement.setAttribute("data-figures", "done");
      return;
    }
    var target = document.getElementById(source.getAttribute("data-figure"));
    var figure = JSON.parse(source.textContent);
    var config = Object.assign({ displaylogo: false, responsive: true }, figure.config || {});
    Plotly.newPlot(target, figure.data || [], figure.layout || {}, config)
      .then(function () { target.classList.add("drawn"); }, function (error) { target.textContent = String(error); })
      .then(function () { setTimeout(next, 0); });
  }
  next();
})();
