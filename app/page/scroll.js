// Keeps the end of a conversation in view while an answer grows, unless the reader has scrolled away from it.

const NEAR = 80;

export function keepScrolled(place) {
  let isAtEnd = true;
  place.addEventListener("scroll", () => {
    isAtEnd = place.scrollHeight - place.scrollTop - place.clientHeight < NEAR;
  }, { passive: true });
  const toEnd = () => requestAnimationFrame(() => { place.scrollTop = place.scrollHeight; });
  return {
    toEnd() {
      isAtEnd = true;
      toEnd();
    },
    follow() {
      if (isAtEnd) toEnd();
    },
  };
}
