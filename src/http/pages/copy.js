(() => {
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.of);
      text.select();
      await navigator.clipboard.writeText(text.value);
      button.textContent = "Copied";
    });
  }
  const left = document.getElementById("left"), until = Date.parse(left.dataset.until);
  setInterval(() => {
    const minutes = Math.ceil((until - Date.now()) / 60000);
    left.textContent = minutes > 0 ? minutes + " min" : "none";
  }, 15000);
})();
