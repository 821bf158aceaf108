// Sets the chosen colours before anything is drawn; without a choice the system's hold.
{
  const chosen = localStorage.getItem("moma.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
