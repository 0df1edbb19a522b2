// Two pictures of one frame, parted by a line or beside each other, or one alone; zoomed and moved together.
const GRIP = 24; // displayed pixels from the line at which it is caught while zoomed in
const NEAREST = 8; // times

const clamp = (value, least, most) => Math.min(Math.max(value, least), most);

export default function ({ data, parentElement }) {
  const both = parentElement.querySelector(".both");
  const range = both.querySelector("input");
  const panes = [...both.querySelectorAll(".pane")];
  const view = (both.__view ??= { scale: 1, x: 0, y: 0 }); // x, y: where the picture begins, in sizes of the pane
  const slider = data.mode === "slider";
  const set = (name, url) => {
    const img = both.querySelector("." + name);
    if (img.getAttribute("src") !== url) img.setAttribute("src", url);
  };
  both.dataset.mode = data.mode;
  set("before", data.left);
  set("after", slider ? data.right : data.left);
  if (data.mode === "beside") set("beside", data.right);
  const [first, last, beside] = both.querySelectorAll("b");
  first.textContent = data.labels[0];
  last.textContent = slider ? data.labels[1] : "";
  beside.textContent = data.labels[1] ?? "";
  both.style.maxWidth = `calc(62vh * ${data.ratio * (data.mode === "beside" ? 2 : 1)})`; // it stays on the screen

  const show = () => {
    view.x = clamp(view.x, 1 - view.scale, 0);
    view.y = clamp(view.y, 1 - view.scale, 0);
    const move = `translate(${view.x * 100}%, ${view.y * 100}%) scale(${view.scale})`;
    for (const img of both.querySelectorAll("img")) img.style.transform = move;
    const cut = clamp((range.value / 100 - view.x) / view.scale, 0, 1);
    both.querySelector(".before").style.clipPath = `inset(0 ${(1 - cut) * 100}% 0 0)`;
    both.style.setProperty("--p", range.value + "%");
    both.querySelector("output").textContent = `${Math.round(view.scale * 100)} %`;
    both.classList.toggle("near", view.scale > 1);
  };
  const zoom = (by, x = 0.5, y = 0.5) => {
    const scale = clamp(view.scale * by, 1, NEAREST);
    view.x = x - ((x - view.x) * scale) / view.scale;
    view.y = y - ((y - view.y) * scale) / view.scale;
    view.scale = scale;
    show();
  };
  const at = (event) => {
    const r = event.currentTarget.getBoundingClientRect();
    return [(event.clientX - r.left) / r.width, (event.clientY - r.top) / r.height, r.width];
  };

  let drag = null;
  for (const pane of panes) {
    pane.onpointerdown = (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      const [x, y, width] = at(event);
      const line = slider && (view.scale === 1 || Math.abs(x - range.value / 100) * width < GRIP);
      drag = { line, x: x - view.x, y: y - view.y };
      if (line) {
        range.focus({ preventScroll: true });
        range.value = x * 100;
        show();
      }
      pane.setPointerCapture(event.pointerId);
    };
    pane.onpointermove = (event) => {
      if (!drag) return;
      const [x, y] = at(event);
      if (drag.line) range.value = x * 100;
      else [view.x, view.y] = [x - drag.x, y - drag.y];
      show();
    };
    pane.onpointerup = pane.onpointercancel = () => (drag = null);
    pane.ondblclick = (event) => {
      const [x, y] = at(event);
      zoom(view.scale > 1 ? 1 / NEAREST : 3, x, y);
    };
    pane.onwheel = (event) => {
      if (!event.ctrlKey && view.scale === 1) return; // the page scrolls
      event.preventDefault();
      const [x, y] = at(event);
      zoom(Math.exp(-event.deltaY / 300), x, y);
    };
  }
  both.querySelector(".in").onclick = () => zoom(2);
  both.querySelector(".out").onclick = () => zoom(0.5);
  range.oninput = show;
  show();
}
