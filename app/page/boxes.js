// Boxes around what is drawn, so that a word is put where it hides nothing.

/** Return the box of this size around a point. */
export const box = ([x, y], width, height) => ({ x, y, width, height });

/** Return whether two boxes share a place. */
export const overlap = (a, b) => Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < (a.height + b.height) / 2;
