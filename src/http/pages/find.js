(() => {
  const search = document.getElementById("search"), roles = document.getElementById("roles");
  let waiting, latest;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const path = "/portal?q=" + encodeURIComponent(search.q.value);
      latest = path;
      const answer = await fetch(path);
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("roles");
      if (latest !== path || !found) return;
      roles.replaceChildren(...found.children);
      history.replaceState(null, "", path);
    }, 150);
  });
})();
