// Sets the chosen colours before anything is drawn; without a choice the system's hold.
try {
  const chosen = localStorage.getItem("moma.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // a browser that lets the page keep nothing has no choice kept
}
