// One picture, as large as it fits.
export default function ({ data, parentElement }) {
  const still = parentElement.querySelector(".still");
  const img = still.querySelector("img");
  if (img.getAttribute("src") !== data.picture) img.setAttribute("src", data.picture);
  still.style.maxWidth = `calc(68vh * ${data.ratio})`; // a tall picture stays on the screen
}
