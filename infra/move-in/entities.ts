const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#039': "'", '#39': "'" };

/** Text in which HTML has written some characters by name. */
export const withoutEntities = (html: string): string =>
  html.replaceAll(/&(#?\w+);/g, (whole, name: string) => {
    const code = /^#(?:x([0-9a-f]{1,6})|(\d{1,7}))$/i.exec(name);
    if (code === null) return entities[name] ?? whole;
    const point = code[1] === undefined ? Number(code[2]) : Number.parseInt(code[1], 16);
    return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });

/** The text of HTML. */
export const withoutMarkup = (html: string): string =>
  withoutEntities(html.replaceAll(/<(?:br|\/p|\/li|\/h\d)[^>]*>|\\n/gi, '\n').replaceAll(/<[^>]*>/g, '')).trim();
