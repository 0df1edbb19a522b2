// The clip as a strip: thumbnails, cuts, prompts, how sure the masks are, and where we are. Tells {frame}.
// `data`: frames, frame, rate (a second), size [width, height], thumbs ["data:…" or ""], cuts [frame], note,
// prompts [{frame, colour, name}], sure [0..1 or -1 where there is no mask] or null, doubts [{frame, text}].
const SNAP = 6; // displayed pixels round a mark that are taken for the mark
const PATIENCE_MS = 700; // after which an answer is no longer waited for
const BUSY = "input, textarea, select, video, audio, [contenteditable], [role=slider], [role=radio], [role=radiogroup], [role=tab], [role=listbox], [role=combobox], [role=menu], [role=textbox], [role=dialog]";

const clock = (seconds) => {
  const minutes = Math.floor(seconds / 60);
  const rest = (seconds - 60 * minutes).toFixed(2).padStart(minutes ? 5 : 4, "0");
  return minutes ? `${minutes}:${rest}` : `${rest} s`;
};

const colourOf = (sure) => (sure < 0 ? [128, 128, 128, 70] : [Math.min(255, 510 * (1 - sure)), Math.min(200, 400 * sure), 60, 255]);

function paint(canvas, sure) {
  canvas.width = sure.length;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(sure.length, 1);
  sure.forEach((value, place) => pixels.data.set(colourOf(value), 4 * place));
  context.putImageData(pixels, 0, 0);
}

function fillWith(parent, tag, items, dress) {
  parent.replaceChildren(
    ...items.map((item) => {
      const node = document.createElement(tag);
      dress(node, item);
      return node;
    }),
  );
}

function showThumbs(pictures, thumbs) {
  while (pictures.children.length > thumbs.length) pictures.lastChild.remove();
  while (pictures.children.length < thumbs.length) {
    const img = document.createElement("img");
    img.alt = "";
    img.draggable = false;
    pictures.appendChild(img);
  }
  thumbs.forEach((thumb, place) => {
    const img = pictures.children[place];
    if (thumb && img.getAttribute("src") !== thumb) img.setAttribute("src", thumb);
    if (!thumb) img.removeAttribute("src");
  });
}

// One step is told at a time: while its answer is awaited only the last wish is kept.
function makeTeller(state) {
  const send = () => {
    state.sent = state.wish;
    state.wish = null;
    state.since = performance.now();
    clearTimeout(state.timer);
    state.timer = setTimeout(() => state.answered(), PATIENCE_MS);
    state.trigger("event", { frame: state.sent });
  };
  state.answered = () => {
    clearTimeout(state.timer);
    state.sent = null;
    if (state.wish !== null) send();
  };
  return (frame) => {
    state.wish = frame;
    if (state.sent === null) send();
  };
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".timeline");
  const part = (name) => root.querySelector("." + name);
  const [film, head, bubble, where] = ["film", "head", "bubble", "where"].map(part);
  const state = (root.state ||= { sent: null, wish: null, at: data.frame, frames: data.frames });
  state.trigger = setTriggerValue;
  state.tell ||= makeTeller(state);
  const last = data.frames - 1;
  const left = (frame) => `${(100 * (frame + 0.5)) / data.frames}%`;
  const time = (frame) => (data.rate ? ` · ${clock(frame / data.rate)}` : "");

  const place = (frame) => {
    state.at = frame;
    head.style.left = left(frame);
    where.textContent = `Frame ${frame} of ${last}${time(frame)}`;
    film.setAttribute("aria-valuenow", frame);
  };
  const go = (frame) => {
    const next = Math.min(Math.max(0, frame), last);
    if (next === state.at) return;
    place(next);
    state.tell(next);
  };

  film.setAttribute("aria-valuemax", last);
  film.classList.toggle("tracked", Boolean(data.sure));
  showThumbs(part("pictures"), data.thumbs);
  fillWith(part("cuts"), "i", data.cuts, (node, frame) => (node.style.left = `${(100 * frame) / data.frames}%`));
  const mark = (node, item) => {
    node.style.left = left(item.frame);
    node.dataset.frame = item.frame;
    node.title = item.text;
    if (item.colour) node.style.background = item.colour;
    node.classList.toggle("chosen", item.frame === data.frame);
  };
  fillWith(part("prompts"), "b", data.prompts, mark);
  fillWith(part("doubts"), "b", data.doubts, mark);
  if (data.sure) paint(part("sure"), data.sure);
  part("note").textContent = part("note").title = data.note;

  if (state.frames !== data.frames) Object.assign(state, { wish: null, frames: data.frames });
  const mine = state.wish !== null || (state.sent !== null && state.sent !== data.frame);
  if (!mine) place(data.frame); // else an answer to an earlier step, or to something else
  else place(state.at);
  if (state.sent !== null && (state.sent === data.frame || performance.now() - state.since > PATIENCE_MS)) state.answered();

  const under = (event) => {
    const box = film.getBoundingClientRect();
    const x = event.clientX - box.left;
    const frame = Math.min(Math.max(0, Math.floor((x * data.frames) / box.width)), last);
    const marks = [...data.prompts, ...data.doubts].map((item) => item.frame);
    const off = (other) => Math.abs(((other + 0.5) * box.width) / data.frames - x);
    const nearest = marks.reduce((best, other) => (best === null || off(other) < off(best) ? other : best), null);
    const low = event.clientY - box.top > box.height - 18; // the lane of the marks
    return low && nearest !== null && off(nearest) <= SNAP ? nearest : frame;
  };
  const hover = (event) => {
    const frame = under(event);
    const thumb = data.thumbs[Math.min(data.thumbs.length - 1, Math.floor((frame * data.thumbs.length) / data.frames))];
    const img = bubble.querySelector("img");
    if (thumb) img.setAttribute("src", thumb);
    else img.removeAttribute("src");
    const said = [...data.prompts, ...data.doubts].filter((item) => item.frame === frame).map((item) => " · " + item.text);
    bubble.querySelector("span").textContent = `${frame}${time(frame)}${said.join("")}`;
    bubble.classList.add("shown");
    const half = bubble.offsetWidth / 2;
    const box = film.getBoundingClientRect();
    bubble.style.left = `${Math.min(Math.max(half, event.clientX - box.left), box.width - half)}px`;
  };

  film.onpointerdown = (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    film.focus({ preventScroll: true });
    film.setPointerCapture(event.pointerId);
    state.held = true;
    hover(event);
    go(under(event));
  };
  film.onpointermove = (event) => {
    hover(event);
    if (state.held) go(under(event));
  };
  film.onpointerup = film.onpointercancel = () => (state.held = false);
  film.onpointerleave = () => bubble.classList.remove("shown");

  for (const button of root.querySelectorAll("button")) button.onclick = () => go(state.at + Number(button.dataset.by));
  const onKey = (event) => {
    const leap = event.shiftKey ? 10 : 1;
    const to = { ArrowLeft: state.at - leap, ArrowRight: state.at + leap, PageUp: state.at - 10, PageDown: state.at + 10, Home: 0, End: last }[event.key];
    if (to === undefined || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const path = event.composedPath().filter((node) => node instanceof Element);
    const own = path.includes(film);
    if (!own && (!event.key.startsWith("Arrow") || path.some((node) => node.matches(BUSY)))) return;
    event.preventDefault();
    go(to);
  };
  document.removeEventListener("keydown", state.onKey);
  state.onKey = onKey;
  document.addEventListener("keydown", onKey); // also where nothing has the focus
  return () => {
    document.removeEventListener("keydown", onKey);
    clearTimeout(state.timer);
  };
}
