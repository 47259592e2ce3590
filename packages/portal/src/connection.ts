export type ConnectionState = 'connecting' | 'open' | 'waiting';

export interface ConnectionHandlers {
  onMessage: (data: string) => void;
  onState: (state: ConnectionState) => void;
}

/** Without `normalized`, which comes once an event like `certified` and tells this page nothing more. */
const WATCH = '/watch?type=received,certified,quarantined,anchored';
const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 10_000;

/**
 * Follows `/watch`. The browser makes a broken connection again by itself, but gives up on an error status such as
 * 503 "too many clients"; then it is made anew from the last cursor.
 */
export function follow({ onMessage, onState }: ConnectionHandlers): void {
  let cursor = '';
  let delay = FIRST_DELAY_MS;

  const connect = () => {
    onState('connecting');
    const source = new EventSource(cursor === '' ? WATCH : `${WATCH}&last_event_id=${encodeURIComponent(cursor)}`);
    source.onopen = () => {
      delay = FIRST_DELAY_MS;
      onState('open');
    };
    source.onmessage = (message: MessageEvent<string>) => {
      cursor = message.lastEventId;
      onMessage(message.data);
    };
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) {
        onState('connecting');
        return;
      }
      onState('waiting');
      setTimeout(connect, delay);
      delay = Math.min(MAX_DELAY_MS, delay * 2);
    };
  };
  connect();
}
