// Figures to look at and to download.

import { make } from "./dom.js";
import { at, get } from "./http.js";
import { themeName, onThemeChange } from "./theme.js";

export class FiguresView {
  constructor(section, experimentId) {
    this.gallery = section.querySelector(".gallery");
    this.base = `/v1/experiments/${experimentId}/figures`;
    onThemeChange(() => {
      for (const image of this.gallery.querySelectorAll("img")) image.src = this.source(image.dataset.name);
    });
  }

  source(name, form = "png", query = `?dpi=110&theme=${themeName()}`) {
    return at(`${this.base}/${name}.${form}${query}`);
  }

  async update() {
    const answer = await get(this.base);
    const drawable = answer.items.filter((figure) => figure.available);
    this.gallery.replaceChildren(...drawable.map((figure) => this.card(figure)));
  }

  card(figure) {
    const number = figure.article_number ? `Figure ${figure.article_number}: ` : "";
    const image = make("img", { loading: "lazy", alt: figure.caption, src: this.source(figure.name), dataset: { name: figure.name } });
    const links = ["png", "svg", "pdf"].map((form) =>
      make("a", { className: "button small", href: this.source(figure.name, form, ""), download: `${figure.name}.${form}`, textContent: form.toUpperCase(), attrs: { "aria-label": `Download ${figure.title} as ${form.toUpperCase()}` } }),
    );
    const caption = make("figcaption", {}, make("strong", { textContent: number + figure.title }), make("p", { textContent: figure.caption }), make("div", { className: "row" }, ...links));
    return make("figure", {}, make("a", { href: this.source(figure.name), attrs: { "aria-label": `Open ${figure.title}` } }, image), caption);
  }
}
