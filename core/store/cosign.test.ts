import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import { auditLog } from '../log/audit.ts';
import { fromBase64, toBase64 } from '../log/base64.ts';
import { checkCheckpoint, parseCheckpoint } from '../log/checkpoint.ts';
import { httpLogFiles } from '../log/http.ts';
import {
  cosignedMessage,
  importVerifierKey,
  logKeyOf,
  type NoteVerifier,
  parseNote,
  signatureType,
  verifierKey,
} from '../log/note.ts';
import { verifyConsistency } from '../log/tree.ts';
import { askWitness, readCosignatures } from '../log/witness.ts';
import { keySigner } from '../pki/file-signer.ts';
import { temporaryFolder } from './test-store.ts';
import { openTileStore, type Published, type TileStore } from './tiles.ts';

const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);
const code = (value: string) => expect.objectContaining({ code: value });
const ed25519 = () => keySigner(generateKeyPairSync('ed25519').privateKey);
const origin = 'verify.example.org/log/ga-par';
const identity = { origin, signer: ed25519() };
const witness = ed25519();
const witnessName = 'witness.example/w1';
const { fetch } = globalThis;
const timeoutMs = 5000;

let logVerifier: NoteVerifier;
let witnessVerifier: NoteVerifier;
let server: Server;
let url: string;
/** What the witness has seen. */
let seen: { size: number; root: Uint8Array } | undefined;
/** The log, as a web server gives it. */
let folder: string;
let second: string;
let tiles: TileStore;

const database = (size: number) => ({
  ...identity,
  size: () => size,
  entries: (from: number, to: number) =>
    Promise.all(Array.from({ length: to - from }, (_, i) => digest(utf8(String(from + i))))),
});

async function cosignature(text: string, time: number): Promise<Uint8Array> {
  const timed = new Uint8Array(8);
  new DataView(timed.buffer).setBigUint64(0, BigInt(time));
  const signature = await witness.sign(cosignedMessage(text, time));
  return utf8(`— ${witnessName} ${toBase64(concatBytes(witnessVerifier.keyId, timed, signature))}\n`);
}

/** A witness as C2SP tlog-witness asks for one. */
async function addCheckpoint(body: string): Promise<readonly [status: number, answer: Uint8Array]> {
  const split = body.indexOf('\n\n');
  const [old = '', ...lines] = body.slice(0, split).split('\n');
  const note = parseNote(utf8(body.slice(split + 2)));
  const { size, root } = parseCheckpoint(note.text);
  const oldSize = Number(old.replace('old ', ''));
  if (oldSize !== (seen?.size ?? 0)) return [409, utf8(`${seen?.size}\n`)];
  const proof = lines.map((line) => fromBase64(line) as Uint8Array);
  if (seen && seen.size > 0) {
    const claim = { size1: seen.size, root1: seen.root, size2: size, root2: root, proof };
    if (!(await verifyConsistency(claim, digest))) return [422, new Uint8Array()];
  }
  seen = { size, root };
  return [200, await cosignature(note.text, 1_795_000_000 + size)];
}

beforeAll(async () => {
  logVerifier = await importVerifierKey(await logKeyOf(origin, identity.signer, nodeBackend), nodeBackend);
  const vkey = await verifierKey(witnessName, signatureType.cosignatureV1, witness, nodeBackend);
  witnessVerifier = await importVerifierKey(vkey, nodeBackend);
  server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      if (request.url === '/add-checkpoint') {
        const [status, answer] = await addCheckpoint(Buffer.concat(chunks).toString('utf8'));
        response.writeHead(status).end(answer);
      } else if (request.url === '/elsewhere/checkpoint') response.writeHead(302, { location: '/' }).end();
      else {
        const file = await readFile(join(folder, request.url ?? '')).catch(() => undefined);
        response.writeHead(file ? 200 : 404).end(file);
      }
    })();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

beforeEach(async () => {
  seen = undefined;
  const home = await temporaryFolder();
  folder = join(home, 'log');
  second = join(home, 'anchor', 'checkpoint');
  tiles = openTileStore(folder, second, nodeBackend);
  await tiles.create(identity);
});

const shown = ({ checkpoint, size, consistency }: Published) => ({
  note: checkpoint,
  size,
  proof: consistency,
});
const witnessed = async (bytes: Uint8Array) => checkCheckpoint(bytes, logVerifier, [witnessVerifier]);

describe('a witness', () => {
  it('cosigns the log as it grows, and its cosignature is published in both places', async () => {
    for (const size of [3, 300, 301]) {
      const published = await tiles.publish(database(size));
      const cosignatures = await askWitness(shown(published), { url, fetch, timeoutMs });
      const cosigned = await tiles.cosign(cosignatures, [witnessVerifier]);
      expect(await witnessed(cosigned)).toMatchObject({
        valid: true,
        checkpoint: { size },
        cosignatures: [{ witness: witnessName, time: 1_795_000_000 + size }],
      });
      for (const place of [join(folder, 'checkpoint'), second])
        expect(new Uint8Array(await readFile(place))).toEqual(cosigned);
    }
    expect(seen?.size).toBe(301);
  });

  it('is asked again for the same checkpoint: its newest cosignature stays, alone', async () => {
    const published = await tiles.publish(database(5));
    const { text } = parseNote(published.checkpoint);
    for (const time of [1000, 2000]) {
      const lines = await cosignature(text, time);
      await tiles.cosign(readCosignatures(lines, published.checkpoint), [witnessVerifier]);
    }
    const note = new Uint8Array(await readFile(second));
    expect(parseNote(note).signatures).toHaveLength(2);
    expect(await witnessed(note)).toMatchObject({ cosignatures: [{ time: 2000 }] });
  });

  it('does not cosign a log that was forked', async () => {
    const published = await tiles.publish(database(5));
    seen = { size: 3, root: new Uint8Array(32) };
    await expect(askWitness(shown(published), { url, fetch, timeoutMs })).rejects.toThrow(/HTTP status 422/);
    seen = { size: 9, root: new Uint8Array(32) };
    await expect(askWitness(shown(published), { url, fetch, timeoutMs })).rejects.toThrow(
      /seen 9 entries of 5/,
    );
  });

  it('that nobody named, or that signed another checkpoint, is refused', async () => {
    const older = await tiles.publish(database(5));
    const lines = await cosignature(parseNote(older.checkpoint).text, 1000);
    const ofOlder = readCosignatures(lines, older.checkpoint);
    await expect(tiles.cosign(ofOlder, [])).rejects.toEqual(code('CHECKPOINT_INVALID'));
    await tiles.publish(database(6));
    await expect(tiles.cosign(ofOlder, [witnessVerifier])).rejects.toThrow(/did not cosign/);
    const ownSignature = parseNote(new Uint8Array(await readFile(second))).signatures;
    await expect(tiles.cosign(ownSignature, [logVerifier])).rejects.toThrow(/not a witness/);
  });

  it('that cannot be reached is told by name', async () => {
    const published = await tiles.publish(database(1));
    const nobody = { url: 'http://127.0.0.1:9', fetch, timeoutMs };
    await expect(askWitness(shown(published), nobody)).rejects.toThrow(/witness http:\/\/127\.0\.0\.1:9/);
  });
});

describe('a log on a web server', () => {
  it('is audited as in a folder', async () => {
    await tiles.publish(database(700));
    const files = httpLogFiles({ url, fetch, timeoutMs });
    const { checkpoint } = (await witnessed((await files('checkpoint')) ?? new Uint8Array())) as Extract<
      Awaited<ReturnType<typeof witnessed>>,
      { valid: true }
    >;
    expect(await auditLog(files, checkpoint, digest)).toEqual([]);
    expect(await files('tile/0/x001/000')).toBeUndefined();
  });

  it('that answers otherwise is an error with its address', async () => {
    const files = httpLogFiles({ url: `${url}/elsewhere/`, fetch, timeoutMs });
    await expect(files('checkpoint')).rejects.toThrow(/elsewhere\/checkpoint \(HTTP status 302\)/);
    const nobody = httpLogFiles({ url: 'http://127.0.0.1:9', fetch, timeoutMs });
    await expect(nobody('checkpoint')).rejects.toEqual(code('FILE_UNREADABLE'));
  });
});
