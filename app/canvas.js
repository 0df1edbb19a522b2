// The frame, to point at and to paint on. Tells what was done in pixels of the frame, at whatever width and zoom.
// `data`: picture and masks (URLs of pictures of one shape), width, height, frame, tool, colour, marks [{kind, at}],
// locked, done [{who, n}]. Tells {who, events: [{n, frame, kind, ...}]}: all that was not said to be done yet, so that
// nothing is lost however fast one thing follows another. Kinds: click, not (at [x, y]), box (at [x0, y0, x1, y1]),
// brush, erase (radius, at [x0, y0, x1, y1, ...]), tool (tool), undo, redo, keep, discard.
const SVG = "http://www.w3.org/2000/svg";
const NEGATIVE = "#222";
const SLIP = 4; // displayed pixels; a box less than this a side is none
const LARGEST = 16; // zoom
const NEAR = 3; // displayed pixels a pixel of the picture, from where they are shown as squares
const TOOLS = { c: "click", x: "not", r: "box", b: "brush", e: "erase" };
const BUSY = "input:not([type=range], [type=radio], [type=checkbox]), textarea, select, [contenteditable], [role=listbox], [role=combobox], [role=menu], [role=textbox], [role=dialog]";
const limit = (value, low, high) => Math.min(Math.max(value, low), high);

function add(svg, name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  svg.appendChild(node);
  return node;
}

const trace = (at) => {
  let path = `M ${at[0]} ${at[1]} h 0.001`; // a line of no length with round ends is a dot
  for (let i = 2; i < at.length; i += 2) path += ` L ${at[i]} ${at[i + 1]}`;
  return path;
};

function draw(svg, mark, colour, extra = "") {
  if (mark.kind === "box") {
    const [x0, y0, x1, y1] = mark.at;
    add(svg, "rect", { x: x0, y: y0, width: x1 - x0, height: y1 - y0, stroke: colour, class: extra });
  } else if (mark.radius) {
    const stroke = mark.kind === "erase" ? "#fff" : colour;
    add(svg, "path", { d: trace(mark.at), stroke, "stroke-width": 2 * mark.radius, class: `stroke ${extra}` });
  } else if (mark.at) {
    add(svg, "path", { d: trace(mark.at), class: `rim ${extra}` });
    add(svg, "path", { d: trace(mark.at), class: `dot ${extra}`, stroke: mark.kind === "not" ? NEGATIVE : colour });
  }
}

// Shows another picture once it is decoded, so that nothing flickers; `then` follows in the same moment.
function swap(img, url, then) {
  if (img.wanted === url) return then();
  img.wanted = url;
  const show = () => {
    if (img.wanted !== url) return;
    if (url) img.setAttribute("src", url);
    else img.removeAttribute("src");
    then();
  };
  if (!url || !img.getAttribute("src")) return show();
  const next = new Image();
  next.src = url;
  next.decode().then(show, show);
}

class Canvas {
  constructor(root) {
    this.stage = root.querySelector(".stage");
    for (const name of ["view", "frame", "masks", "drawn", "cursor", "zoom"]) this[name] = root.querySelector(`.${name}`);
    [this.range, this.told] = [root.querySelector("input"), root.querySelector("output")];
    this.who = crypto.getRandomValues(new Uint32Array(2)).join("-");
    Object.assign(this, { n: 0, waiting: [], zoomed: 1, x: 0, y: 0, pointers: new Map(), doing: null, size: 55 });
    this.onkey = (event) => this.key(event);
    this.onup = (event) => event.key === " " && this.space(false);
    this.bind();
  }

  update(data, tell) {
    const before = this.data;
    [this.data, this.tell] = [data, tell];
    if (before && (before.width !== data.width || before.height !== data.height)) this.look(1, 0, 0);
    if (!before || before.tool !== data.tool) this.tool = data.tool; // else a key may have been quicker
    const done = data.done.find((each) => each.who === this.who)?.n || 0;
    this.waiting = this.waiting.filter((event) => event.n > done);
    this.stage.style.maxWidth = `calc(${data.tall || "68vh"} * ${data.width / data.height})`; // a tall picture stays on the screen
    this.stage.style.aspectRatio = `${data.width} / ${data.height}`;
    this.drawn.setAttribute("viewBox", `-0.5 -0.5 ${data.width} ${data.height}`); // pixel centres are whole numbers
    this.drawn.setAttribute("preserveAspectRatio", "none");
    const shown = [...this.waiting];
    swap(this.frame, data.picture, () => swap(this.masks, data.masks || "", () => this.redraw(data, shown)));
    this.dress();
  }

  redraw(data, shown) {
    if (data !== this.data) return;
    this.drawn.replaceChildren();
    for (const mark of data.marks) draw(this.drawn, mark, data.colour);
    for (const mark of new Set([...shown, ...this.waiting])) if (mark.frame === data.frame) draw(this.drawn, mark, data.colour, "pending");
    if (this.doing) this.rubber = null;
  }

  dress() {
    const paints = this.tool === "brush" || this.tool === "erase";
    const { classList } = this.stage;
    classList.toggle("busy", Boolean(this.data.locked));
    classList.toggle("brushes", paints && !this.data.locked);
    classList.toggle("paints", paints && !this.data.locked && !this.spaced);
    classList.toggle("moves", Boolean(this.spaced));
    classList.toggle("near", (this.zoomed * this.stage.clientWidth) / (this.frame.naturalWidth || Infinity) >= NEAR);
    this.zoom.textContent = `${this.zoomed < 10 ? Math.round(this.zoomed * 10) / 10 : Math.round(this.zoomed)}×`;
    this.range.value = this.size;
    this.told.textContent = `${Math.round(2 * this.radius)} px`;
    this.ring(this.at);
  }

  get radius() {
    return 0.5 * Math.pow(0.25 * Math.max(this.data.width, this.data.height), this.size / 100); // 1 px to a quarter across
  }

  ring(event) {
    this.at = event;
    const shown = event && this.stage.classList.contains("paints");
    this.cursor.style.visibility = shown ? "visible" : "hidden";
    if (!shown) return;
    const box = this.stage.getBoundingClientRect();
    const scale = this.frame.getBoundingClientRect().width / this.data.width;
    for (const circle of this.cursor.children) {
      circle.setAttribute("cx", event.clientX - box.left);
      circle.setAttribute("cy", event.clientY - box.top);
      circle.setAttribute("r", Math.max(1.5, this.radius * scale));
    }
  }

  place(event, inside = true) {
    const { width, height } = this.data;
    const r = this.frame.getBoundingClientRect();
    const x = ((event.clientX - r.left) * width) / r.width - 0.5;
    const y = ((event.clientY - r.top) * height) / r.height - 0.5;
    return (inside ? [limit(x, 0, width - 1), limit(y, 0, height - 1)] : [x, y]).map((v) => Math.round(v * 100) / 100);
  }

  send(event) {
    if (this.data.locked) return;
    this.waiting.push({ ...event, n: ++this.n, frame: this.data.frame });
    if (event.at) draw(this.drawn, event, this.data.colour, "pending");
    this.tell("event", { who: this.who, events: this.waiting });
  }

  pick(tool) {
    this.tool = tool;
    this.dress();
    this.send({ kind: "tool", tool });
  }

  look(zoomed, x, y) {
    const { clientWidth: width, clientHeight: height } = this.stage;
    this.zoomed = limit(zoomed, 1, LARGEST);
    this.x = limit(x, width * (1 - this.zoomed), 0);
    this.y = limit(y, height * (1 - this.zoomed), 0);
    const scale = `${100 * this.zoomed}%`; // no transform, which would make the marks larger too
    Object.assign(this.view.style, { width: scale, height: scale, left: `${this.x}px`, top: `${this.y}px` });
    this.dress();
  }

  zoomAt(factor, clientX, clientY) {
    const box = this.stage.getBoundingClientRect();
    const [x, y] = [clientX - box.left, clientY - box.top];
    const zoomed = limit(this.zoomed * factor, 1, LARGEST);
    const by = zoomed / this.zoomed; // the place under the pointer stays there
    this.look(zoomed, x - (x - this.x) * by, y - (y - this.y) * by);
  }

  act(name) {
    const box = this.stage.getBoundingClientRect();
    const middle = [box.left + box.width / 2, box.top + box.height / 2];
    if (name === "in") this.zoomAt(1.5, ...middle);
    else if (name === "out") this.zoomAt(1 / 1.5, ...middle);
    else if (name === "whole") this.look(1, 0, 0);
    else if (name === "masks") {
      const bare = this.stage.classList.toggle("bare");
      this.stage.querySelector("[data-do=masks]").setAttribute("aria-pressed", bare);
    }
  }

  resize(by) {
    this.size = limit(this.size + by, 0, 100);
    this.dress();
  }

  space(down) {
    this.spaced = down;
    this.dress();
  }

  drop() {
    if (this.rubber) this.rubber.remove();
    this.rubber = this.doing = null;
  }

  down(event) {
    this.pointers.set(event.pointerId, event);
    this.ring(event);
    if (this.pointers.size > 1) return this.drop(); // two fingers move the picture
    event.preventDefault();
    this.stage.classList.add("touched"); // it has the focus, and needs no frame to say so
    this.stage.focus({ preventScroll: true });
    const away = event.button === 2 || event.shiftKey;
    const moves = event.button === 1 || (event.button === 0 && this.spaced);
    if (!moves && (this.data.locked || (event.button !== 0 && !away))) return;
    this.stage.setPointerCapture(event.pointerId);
    if (moves) this.doing = { kind: "move", event, x: this.x, y: this.y };
    else if (this.tool === "brush" || this.tool === "erase") {
      this.doing = { kind: away ? "erase" : this.tool, radius: Math.round(this.radius * 100) / 100, at: this.place(event, false) };
      this.show(this.doing);
    } else if (this.tool === "box" && !away) this.doing = { kind: "box", event, from: this.place(event) };
    else this.doing = { kind: away || this.tool === "not" ? "not" : "click", event, at: this.place(event) };
  }

  move(event) {
    const last = this.pointers.get(event.pointerId);
    if (last) this.pointers.set(event.pointerId, event);
    this.ring(event);
    if (last && this.pointers.size === 2) return this.pinch(last, event);
    const { doing } = this;
    if (!doing || !last) return;
    if (doing.kind === "move") this.look(this.zoomed, doing.x + event.clientX - doing.event.clientX, doing.y + event.clientY - doing.event.clientY);
    else if (doing.radius) {
      const all = event.getCoalescedEvents?.() || [];
      for (const each of all.length ? all : [event]) this.extend(this.place(each, false));
      this.rubber?.setAttribute("d", trace(doing.at));
      if (!this.rubber) this.show(doing);
    } else if (doing.kind === "box") this.show(this.span(event));
  }

  extend([x, y]) {
    const { at, radius } = this.doing;
    const least = Math.max(0.25, Math.min(radius / 8, 2));
    if (Math.hypot(x - at.at(-2), y - at.at(-1)) >= least) at.push(x, y);
  }

  show(mark) {
    if (this.rubber) this.rubber.remove();
    draw(this.drawn, mark, this.data.colour);
    this.rubber = this.drawn.lastChild;
  }

  span(event) {
    const [from, to] = [this.doing.from, this.place(event)];
    const [x0, x1] = [from[0], to[0]].sort((a, b) => a - b);
    const [y0, y1] = [from[1], to[1]].sort((a, b) => a - b);
    return { kind: "box", at: [x0, y0, x1, y1] };
  }

  up(event) {
    this.pointers.delete(event.pointerId);
    const { doing } = this;
    if (!doing) return;
    if (doing.radius && !this.rubber) this.show(doing);
    const mark = doing.kind === "box" ? this.span(event) : { kind: doing.kind, at: doing.at, radius: doing.radius };
    const far = doing.event ? [event.clientX - doing.event.clientX, event.clientY - doing.event.clientY].map(Math.abs) : [0, 0];
    const slip = doing.kind === "box" && Math.min(...far) < SLIP;
    this.drop();
    if (doing.kind !== "move" && !slip) this.send(mark);
  }

  pinch(last, event) {
    const other = [...this.pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    this.look(this.zoomed, this.x + (event.clientX - last.clientX) / 2, this.y + (event.clientY - last.clientY) / 2);
    this.zoomAt(apart(event) / Math.max(1, apart(last)), (event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2);
  }

  key(event) {
    const path = event.composedPath().filter((node) => node instanceof Element);
    if (event.defaultPrevented || path.some((node) => node.matches(BUSY))) return;
    const [name, control] = [event.key.toLowerCase(), event.ctrlKey || event.metaKey];
    let act = null;
    if (control && !event.altKey) {
      if (name === "z") act = () => this.send({ kind: event.shiftKey ? "redo" : "undo" });
      else if (name === "y") act = () => this.send({ kind: "redo" });
    } else if (!event.altKey) {
      const pressed = path.some((node) => node.matches("button, a, [role=radio], [role=slider], summary"));
      if (TOOLS[name]) act = () => this.pick(TOOLS[name]);
      else if (name === "[" || name === "]") act = () => this.resize(name === "]" ? 4 : -4);
      else if (name === "+" || name === "=") act = () => this.act("in");
      else if (name === "-") act = () => this.act("out");
      else if (name === "0") act = () => this.act("whole");
      else if (name === "m") act = () => this.act("masks");
      else if (name === " " && !pressed) act = () => this.space(true);
      else if (name === "enter" && !pressed) act = () => this.send({ kind: "keep" });
      else if (name === "escape" && this.doing) act = () => this.drop();
      else if (name === "escape" && !document.querySelector("[data-testid=stPopoverBody], [role=dialog]")) act = () => this.send({ kind: "discard" });
    }
    if (!act) return;
    event.preventDefault();
    if (!this.data.locked || !TOOLS[name]) act();
  }

  bind() {
    const { stage } = this;
    stage.oncontextmenu = (event) => event.preventDefault();
    stage.onpointerdown = (event) => this.down(event);
    stage.onpointermove = (event) => this.move(event);
    stage.onpointerup = (event) => this.up(event);
    stage.onpointercancel = (event) => {
      this.pointers.delete(event.pointerId);
      this.drop();
    };
    stage.onblur = () => stage.classList.remove("touched");
    stage.onpointerleave = () => this.ring(null);
    stage.onwheel = (event) => {
      if (this.zoomed === 1 && event.deltaY > 0) return; // the page scrolls
      event.preventDefault();
      this.zoomAt(Math.pow(2, -event.deltaY / (event.deltaMode ? 9 : 300)), event.clientX, event.clientY);
    };
    for (const bar of stage.querySelectorAll(".bar")) {
      bar.onpointerdown = bar.onpointerup = (event) => event.stopPropagation();
      bar.onpointermove = (event) => {
        event.stopPropagation();
        this.ring(null);
      };
    }
    for (const button of stage.querySelectorAll("button")) button.onclick = () => this.act(button.dataset.do);
    this.range.oninput = () => this.resize(Number(this.range.value) - this.size);
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const stage = parentElement.querySelector(".stage");
  const canvas = (stage.canvas ||= new Canvas(parentElement));
  document.removeEventListener("keydown", canvas.onkey);
  document.removeEventListener("keyup", canvas.onup);
  document.addEventListener("keydown", canvas.onkey); // also where nothing has the focus
  document.addEventListener("keyup", canvas.onup);
  canvas.update(data, setTriggerValue);
  return () => {
    document.removeEventListener("keydown", canvas.onkey);
    document.removeEventListener("keyup", canvas.onup);
  };
}
