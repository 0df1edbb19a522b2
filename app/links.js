// Links that save a file each; the first stands out.
export default function ({ data, parentElement }) {
  const links = parentElement.querySelector(".links");
  links.replaceChildren(
    ...data.links.map(({ label, url, note, kind }) => {
      const link = document.createElement("a");
      link.href = url.replace(/^\//, ""); // where the page is, also behind a proxy
      link.download = "";
      link.className = kind ?? "";
      link.textContent = label;
      if (note) link.appendChild(document.createElement("span")).textContent = note;
      return link;
    }),
  );
}
