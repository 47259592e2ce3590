/** The page: the live feed above, the verification of proofs below. */
import { fetchNewest } from './api.ts';
import { follow } from './connection.ts';
import { showConnection, startDashboard } from './dashboard.ts';
import { PortalError } from './errors.ts';
import { LiveState, MAX_ROWS } from './live.ts';
import { parseMessage } from './messages.ts';
import { ProofPanel } from './proof-panel.ts';

const state = new LiveState(performance.now());
const panel = new ProofPanel();
startDashboard(state, (eventId) => panel.open(eventId));

/** So that the page is not empty on a server where nothing comes in at the moment. */
async function showEarlier(): Promise<void> {
  try {
    const items = await fetchNewest(MAX_ROWS);
    for (const item of items.reverse()) state.show(item);
  } catch (error) {
    // The live feed shows by itself whether the server is there; it starts without a past then.
    if (!(error instanceof PortalError)) throw error;
  }
}

await showEarlier();
follow({
  onMessage: (data) => state.take(parseMessage(data), performance.now(), Date.now()),
  onState: showConnection,
});
