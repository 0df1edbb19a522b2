// One frame before and after, parted by a line that is moved with the mouse or the arrow keys.
export default function ({ data, parentElement }) {
  const both = parentElement.querySelector(".both");
  for (const name of ["before", "after"]) {
    const img = both.querySelector("." + name);
    if (img.getAttribute("src") !== data[name]) img.setAttribute("src", data[name]);
  }
  both.style.maxWidth = `calc(74vh * ${data.ratio})`; // a tall picture stays on the screen
  const range = both.querySelector("input");
  range.oninput = () => both.style.setProperty("--p", range.value + "%");
}
