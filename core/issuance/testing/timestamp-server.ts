import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeBackend } from '../../crypto/node.ts';
import { passphraseKeys } from '../../pki/key-file.ts';
import { serialNumber } from '../../pki/serial.ts';
import { openKeyRing } from '../../store/keys.ts';
import { postPaths } from '../../store/post-folder.ts';
import { timestampAuthority } from '../../time/authority.ts';
import { timestampPolicy } from '../timestamping.ts';
import { passphrase } from './post.ts';

// For tests only: an authority at an address, that can be away and that can answer wrongly.

export interface TimestampServer {
  readonly port: number;
  /** How many tokens were asked for. */
  asked(): number;
  /** Answers from now on, with the keys of the post in this folder. */
  open(home: string): Promise<void>;
  /** Answers so many times more, and is then away. */
  closeAfter(answers: number): void;
  answerWrongly(wrongly: boolean): void;
  /** Milliseconds that each answer takes. */
  takeTime(milliseconds: number): void;
  /** Refuses connections from now on. */
  close(): Promise<void>;
}

const listen = async (server: Server, port: number): Promise<number> => {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

export async function timestampServer(): Promise<TimestampServer> {
  let asked = 0;
  let left = Number.POSITIVE_INFINITY;
  let wrongly = false;
  let pause = 0;
  let respond: (request: Uint8Array) => Promise<Uint8Array>;
  const server = createServer(async (request, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part as Uint8Array);
    asked++;
    if (left-- <= 0) {
      request.socket.destroy();
      return;
    }
    if (pause > 0) await sleep(pause);
    response.setHeader('content-type', 'application/timestamp-reply');
    response.setHeader('connection', 'close');
    response.end(wrongly ? 'wrong' : await respond(Buffer.concat(parts)));
  });
  const port = await listen(server, 0);
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  await close();
  return {
    port,
    asked: () => asked,
    async open(home) {
      const signer = await openKeyRing(postPaths(home), { fileKey: passphraseKeys(passphrase) }).certified(
        'tsa',
      );
      const authority = timestampAuthority({
        signer,
        policy: timestampPolicy,
        clock: () => new Date(),
        serial: () => serialNumber(nodeBackend.random),
        accuracy: 1,
      });
      respond = (bytes) => authority.respond(bytes);
      left = Number.POSITIVE_INFINITY;
      if (!server.listening) await listen(server, port);
    },
    closeAfter: (answers) => {
      left = answers;
    },
    answerWrongly: (so) => {
      wrongly = so;
    },
    takeTime: (milliseconds) => {
      pause = milliseconds;
    },
    close,
  };
}
