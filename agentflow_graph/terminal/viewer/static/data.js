// Asks the server. The token stands behind the # of the first address and is kept for this origin.

const KEPT = "agentflow-view-token";

// Takes the token out of the address, so that it is not copied along with it.
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1));
  const token = given.get("token");
  if (!token) return;
  localStorage.setItem(KEPT, token);
  const to = given.get("to") || "";
  history.replaceState(null, "", `${location.pathname}#/${to}`);
}

export async function ask(name, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value !== undefined && value !== null);
  const address = `/data/${name}?${new URLSearchParams(given)}`;
  const token = localStorage.getItem(KEPT) || "";
  let answer;
  try {
    answer = await fetch(address, { headers: { Authorization: `Bearer ${token}` } });
  } catch {
    throw new Error("The viewer does not answer. It has ended, or was stopped: start it again.");
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  return told;
}
