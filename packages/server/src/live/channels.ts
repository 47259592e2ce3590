/** All channels, each as long as it has clients. */
import { Channel } from './channel.ts';
import { ChannelIndex } from './channel-index.ts';
import type { Client } from './client.ts';
import type { Framing } from './framing.ts';
import type { Message, MessageType } from './messages.ts';

export class Channels {
  /** By framing, then by what is wanted. */
  readonly #channels = new Map<Framing, Map<string, Channel>>();
  readonly #index = new ChannelIndex();

  /** Whether anybody is to be told of this type, somewhere or in this stream. */
  want(type: MessageType, stream?: string): boolean {
    return this.#index.wants(type, stream);
  }

  /** From now on the client is told what the others are. */
  enlist(client: Client): void {
    const channel = this.#of(client);
    channel.members.add(client);
    client.channel = channel;
    client.mark = channel.told;
  }

  detach(client: Client): void {
    const { channel } = client;
    if (channel === undefined) return;
    client.channel = undefined;
    channel.members.delete(client);
    channel.shed.delete(client);
    if (!channel.isEmpty) return;
    this.#index.delete(channel);
    const ofFraming = this.#channels.get(channel.framing);
    ofFraming?.delete(channel.selection.key);
    if (ofFraming?.size === 0) this.#channels.delete(channel.framing);
  }

  concernedBy(message: Message): Iterable<Channel> {
    return this.#index.concernedBy(message);
  }

  #of({ selection, framing }: Client): Channel {
    const ofFraming = this.#channels.get(framing) ?? new Map<string, Channel>();
    this.#channels.set(framing, ofFraming);
    const found = ofFraming.get(selection.key);
    if (found !== undefined) return found;
    const channel = new Channel(selection, framing);
    ofFraming.set(selection.key, channel);
    this.#index.add(channel);
    return channel;
  }
}
