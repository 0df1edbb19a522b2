// The frame. Tells clicks, boxes and steps in pixels of the frame, at whatever width it is displayed.
const SVG = "http://www.w3.org/2000/svg";
const NEGATIVE = "#222";
const SLIP = 4; // displayed pixels; a box less than this a side is none

function add(svg, name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  svg.appendChild(node);
  return node;
}

function draw(svg, mark, colour, extra = "") {
  if (mark.kind === "box") {
    const [x0, y0, x1, y1] = mark.at;
    add(svg, "rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, stroke: colour, class: extra });
    return;
  }
  const [x, y] = mark.at;
  const here = `M ${x} ${y} h 0.001`; // a line of no length with round ends: a dot that keeps its size on the screen
  add(svg, "path", { d: here, class: `rim ${extra}` });
  add(svg, "path", { d: here, class: `dot ${extra}`, stroke: mark.kind === "not" ? NEGATIVE : colour });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const stage = parentElement.querySelector(".stage");
  const img = stage.querySelector("img");
  const svg = stage.querySelector("svg");
  const { width, height, frame, tool, colour } = data;
  if (img.getAttribute("src") !== data.picture) img.setAttribute("src", data.picture);
  stage.classList.toggle("busy", Boolean(data.locked));
  stage.style.maxWidth = `calc(74vh * ${width / height})`; // a tall picture stays on the screen
  svg.setAttribute("viewBox", `-0.5 -0.5 ${width} ${height}`); // pixel centres are whole numbers
  svg.setAttribute("preserveAspectRatio", "none");
  svg.replaceChildren();
  for (const mark of data.marks) draw(svg, mark, colour);

  const place = (event) => {
    const r = img.getBoundingClientRect();
    const x = ((event.clientX - r.left) * width) / r.width - 0.5;
    const y = ((event.clientY - r.top) * height) / r.height - 0.5;
    return [Math.min(Math.max(x, 0), width - 1), Math.min(Math.max(y, 0), height - 1)];
  };
  const tell = (mark) => {
    draw(svg, mark, colour, "pending");
    setTriggerValue("event", { ...mark, frame });
  };

  let from = null;
  let rubber = null;
  stage.oncontextmenu = (event) => event.preventDefault();
  stage.onpointerdown = (event) => {
    if (data.locked) return;
    event.preventDefault();
    stage.focus({ preventScroll: true });
    const away = event.button === 2 || event.shiftKey;
    if (event.button !== 0 && !away) return;
    if (tool !== "box" || away) {
      tell({ kind: away || tool === "not" ? "not" : "click", at: place(event) });
      return;
    }
    stage.setPointerCapture(event.pointerId);
    from = { at: place(event), x: event.clientX, y: event.clientY };
  };
  const span = (event) => {
    const to = place(event);
    const [x0, x1] = [from.at[0], to[0]].sort((a, b) => a - b);
    const [y0, y1] = [from.at[1], to[1]].sort((a, b) => a - b);
    return { kind: "box", at: [x0, y0, x1, y1] };
  };
  stage.onpointermove = (event) => {
    if (!from) return;
    if (rubber) rubber.remove();
    draw(svg, span(event), colour);
    rubber = svg.lastChild;
  };
  stage.onpointerup = (event) => {
    if (!from) return;
    const mark = span(event);
    const slip = Math.abs(event.clientX - from.x) < SLIP || Math.abs(event.clientY - from.y) < SLIP;
    if (rubber) rubber.remove();
    from = rubber = null;
    if (!slip) tell(mark);
  };
  stage.onpointercancel = () => {
    if (rubber) rubber.remove();
    from = rubber = null;
  };
  stage.onkeydown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || data.locked) return;
    event.preventDefault();
    setTriggerValue("event", { kind: "step", by, frame });
  };
}
