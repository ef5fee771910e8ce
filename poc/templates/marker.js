// Marking known lengths on a photo: two ends each, what it is, and its metres (poc.marker holds the same marks in Python).
// Coordinates are pixels of the whole photo, the first pixel's centre at (0, 0), however small it is shown.
const GRIP_PX = 12, DRAWN_PX = 6, LENS_PX = 132, LENS_TIMES = 4;
const SVG = "http://www.w3.org/2000/svg";

function node(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) name in made ? (made[name] = value) : made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function render({ model, el }) {
  const open = node("button", { type: "button", className: "poc-open" }, "Mark a known length on the photo");
  const image = node("img", { alt: "the photo", draggable: false });
  const drawing = document.createElementNS(SVG, "svg");
  const lens = node("canvas", { className: "poc-lens", width: LENS_PX, height: LENS_PX, hidden: true });
  const stage = node("div", { className: "poc-stage" }, image, drawing, lens);
  const list = node("ol");
  const said = node("p", { className: "poc-said", role: "status" });
  const help = node("p", { className: "poc-help" }, "Click one end, then the other; drag an end to move it; Escape gives up an end. A door's two ends are its foot and its top.");
  const board = node("div", { className: "poc-board", hidden: true }, help, stage, list, said);
  el.append(node("div", { className: "poc-marker" }, open, board));

  let first = null;  // an end that waits for its other end
  let held = null;  // {mark, end}: what the pointer drags
  let pressed = null;  // where the pointer went down
  let pointer = null;

  const size = () => model.get("size");
  const marks = () => structuredClone(model.get("marks"));
  const keep = (changed) => { model.set("marks", changed); model.save_changes(); };
  const shown = () => image.getBoundingClientRect();

  function place(event) {
    const box = shown(), [width, height] = size();
    const along = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    const down = Math.min(Math.max((event.clientY - box.top) / box.height, 0), 1);
    const tenth = (x) => Math.round(10 * x) / 10;
    return [tenth(Math.min(along * width, width - 0.1) - 0.5), tenth(Math.min(down * height, height - 0.1) - 0.5)];
  }

  function pixelsApart(a, b) {  // on the screen
    return Math.hypot(a[0] - b[0], a[1] - b[1]) * shown().width / size()[0];
  }

  function nearest(at) {
    let best = null, least = GRIP_PX;
    marks().forEach((mark, i) => mark.ends.forEach((end, j) => {
      if (pixelsApart(end, at) < least) [best, least] = [{ mark: i, end: j }, pixelsApart(end, at)];
    }));
    return best;
  }

  function add(a, b) {
    first = null;
    keep([...marks(), { kind: "length", ends: [a, b], metres: null }]);
    draw();
    list.querySelector("li:last-child input")?.focus();
  }

  function draw() {
    const [width, height] = size(), unit = width / Math.max(shown().width, 1);
    drawing.setAttribute("viewBox", `-0.5 -0.5 ${width} ${height}`);
    drawing.replaceChildren();
    const line = (a, b, kind) => {
      const made = document.createElementNS(SVG, "line");
      for (const [name, value] of Object.entries({ x1: a[0], y1: a[1], x2: b[0], y2: b[1], class: kind })) made.setAttribute(name, value);
      drawing.append(made);
    };
    const spot = (at, text) => {
      const made = document.createElementNS(SVG, "circle");
      for (const [name, value] of Object.entries({ cx: at[0], cy: at[1], r: 5 * unit })) made.setAttribute(name, value);
      drawing.append(made);
      if (!text) return;
      const label = document.createElementNS(SVG, "text");
      for (const [name, value] of Object.entries({ x: at[0] + 9 * unit, y: at[1] - 7 * unit, "font-size": 15 * unit, "stroke-width": 3 * unit })) label.setAttribute(name, value);
      label.textContent = text;
      drawing.append(label);
    };
    for (const ends of model.get("given")) line(ends[0], ends[1], "poc-given");
    marks().forEach((mark, i) => { line(...mark.ends, "poc-mark"); spot(mark.ends[0], `${i + 1}`); spot(mark.ends[1]); });
    if (first) { if (pointer) line(first, pointer, "poc-mark"); spot(first); }
  }

  function look(event) {  // through the lens, which stands in the corner away from the pointer
    const box = shown(), context = lens.getContext("2d"), part = LENS_PX / LENS_TIMES;
    const scale = image.naturalWidth / box.width, x = event.clientX - box.left, y = event.clientY - box.top;
    lens.hidden = false;
    lens.style.left = x < box.width / 2 ? "auto" : "0";
    lens.style.right = x < box.width / 2 ? "0" : "auto";
    context.fillStyle = "#777";
    context.fillRect(0, 0, LENS_PX, LENS_PX);
    context.drawImage(image, (x - part / 2) * scale, (y - part / 2) * scale, part * scale, part * scale, 0, 0, LENS_PX, LENS_PX);
    context.strokeStyle = "#d55e00";
    context.strokeRect(LENS_PX / 2, 0, 0, LENS_PX);
    context.strokeRect(0, LENS_PX / 2, LENS_PX, 0);
  }

  function rows() {  // made again only where marks come or go: whoever types in one keeps it
    const objects = model.get("objects");
    if (list.children.length === marks().length) {
      marks().forEach((mark, i) => fill(list.children[i], mark, objects));
      return;
    }
    list.replaceChildren(...marks().map((mark, i) => {
      const kind = node("select", { ariaLabel: `what mark ${i + 1} is` }, node("option", { value: "length" }, "a length I know"));
      for (const [name, [metres, what]] of Object.entries(objects)) kind.append(node("option", { value: name }, metres === null ? what : `${what} (${metres} m)`));
      const metres = node("input", { type: "number", min: 0.02, max: 8, step: "any", ariaLabel: `metres of mark ${i + 1}` });
      const remove = node("button", { type: "button", title: "remove this mark" }, "Remove");
      kind.onchange = () => change(i, { kind: kind.value });
      metres.onchange = () => change(i, { metres: metres.value === "" ? null : Number(metres.value) });
      remove.onclick = () => keep(marks().filter((_, j) => j !== i));
      return fill(node("li", {}, kind, metres, " m ", remove), mark, objects);
    }));
  }

  function fill(row, mark, objects) {
    const kind = row.querySelector("select"), metres = row.querySelector("input");
    kind.value = mark.kind;
    if (metres !== document.activeElement) metres.value = mark.metres ?? "";
    metres.placeholder = objects[mark.kind]?.[0] ?? "metres";
    return row;
  }

  function change(i, what) {
    keep(marks().map((mark, j) => j === i ? { ...mark, ...what } : mark));
  }

  stage.onpointerdown = (event) => {
    if (event.button) return;
    if (list.contains(document.activeElement)) document.activeElement.blur();  // what was typed counts
    event.preventDefault();
    pressed = place(event);
    held = first ? null : nearest(pressed);
    stage.setPointerCapture?.(event.pointerId);
  };
  stage.onpointermove = (event) => {
    pointer = place(event);
    look(event);
    if (held) change(held.mark, { ends: marks()[held.mark].ends.map((end, j) => j === held.end ? pointer : end) });
    else if (pressed && !first && pixelsApart(pressed, pointer) > DRAWN_PX) first = pressed;  // drawn in one stroke
    draw();
  };
  stage.onpointerup = (event) => {
    const at = place(event);
    if (!pressed) return;
    if (!held && first && pixelsApart(first, at) > DRAWN_PX) add(first, at);
    else if (!held && !first) first = at;
    held = pressed = null;
    draw();
  };
  stage.onpointercancel = () => { held = pressed = first = null; draw(); };
  stage.onpointerleave = () => { lens.hidden = true; pointer = null; draw(); };
  const escape = (event) => { if (event.key === "Escape") { first = held = pressed = null; draw(); } };
  document.addEventListener("keydown", escape);

  function picture() {
    const data = model.get("picture");
    open.hidden = Boolean(data);
    board.hidden = !data;
    if (data) image.src = data;
  }
  function tell() { said.textContent = model.get("said"); }
  function remake() { rows(); draw(); }
  open.onclick = () => { open.disabled = true; open.textContent = "One moment: a cell is running …"; model.send({ open: true }); };
  image.onload = draw;
  const watch = new ResizeObserver(draw);
  watch.observe(stage);
  const heard = { "change:picture": picture, "change:marks": remake, "change:said": tell };
  for (const [name, react] of Object.entries(heard)) model.on(name, react);
  picture();
  tell();
  remake();
  return () => {
    for (const [name, react] of Object.entries(heard)) model.off(name, react);
    document.removeEventListener("keydown", escape);
    watch.disconnect();
  };
}

export default { render };
