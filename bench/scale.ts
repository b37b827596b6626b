import { generateKeyPairSync } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { nodeBackend } from '../core/crypto/node.ts';
import { emptyFrontier, growTree } from '../core/log/log.ts';
import { readHashes, type Tile } from '../core/log/tile.ts';
import { type Digest, inclusionProof, leafHash, rootHash, verifyInclusion } from '../core/log/tree.ts';
import { keySigner } from '../core/pki/file-signer.ts';
import { makeStatusList, statusEntries } from '../core/seal/status-list.ts';
import { line, perSecond, rate } from './measure.ts';

const million = 1_000_000;
const digest: Digest = (bytes) => nodeBackend.digest('sha256', bytes);

const entryOf = (index: number): Uint8Array => {
  const entry = new Uint8Array(32);
  new DataView(entry.buffer).setUint32(0, index);
  return entry;
};

/** Proofs out of the tiles of a log of a million entries, in memory. */
export async function logProofs(): Promise<void> {
  const tiles = new Map<string, Tile>();
  let frontier = emptyFrontier;
  const start = performance.now();
  for (let from = 0; from < million; from += 10_000) {
    const grown = await growTree(
      frontier,
      Array.from({ length: 10_000 }, (_, i) => entryOf(from + i)),
      digest,
    );
    for (const tile of grown.filled) tiles.set(`${tile.level}/${tile.index}`, tile);
    frontier = grown.frontier;
  }
  for (const tile of frontier.edge) tiles.set(`${tile.level}/${tile.index}`, tile);
  const seconds = (performance.now() - start) / 1000;
  line('log entries appended, up to 1,000,000', perSecond(million / seconds));

  const read = readHashes((level, index) => tiles.get(`${level}/${index}`) as Tile);
  const root = await rootHash(million, read, digest);
  let index = 0;
  const next = (): number => {
    index = (index + 7919 * 101) % million;
    return index;
  };
  const made = await rate(() => inclusionProof(next(), million, read, digest));
  line('log proofs made at 1,000,000 entries', perSecond(made));
  const at = next();
  const leaf = await leafHash(digest, entryOf(at));
  const proof = await inclusionProof(at, million, read, digest);
  const checked = await rate(async () => {
    if (!(await verifyInclusion({ index: at, size: million, leaf, root, proof }, digest)))
      throw new Error('the proof does not hold');
  });
  line('log proofs checked', perSecond(checked), `${proof.length} hashes each`);
}

/** One document in a hundred is revoked, spread evenly but at random places. */
export async function statusListSize(): Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const revoked = new Set<number>();
  const random = new Uint32Array(1);
  while (revoked.size < million / 100)
    revoked.add((globalThis.crypto.getRandomValues(random)[0] as number) % million);
  const issuedAt = Math.floor(Date.now() / 1000);
  const bytes = await makeStatusList(
    {
      subject: 'https://verifier.example/status/ga-par',
      issuedAt,
      expires: issuedAt + 86_400,
      timeToLive: 86_400,
    },
    statusEntries(
      1,
      million,
      [...revoked].map((at) => [at, 1] as const),
    ),
    {
      signer: keySigner(privateKey),
      kid: nodeBackend.random(8),
      deflate: (list) => deflateSync(list, { level: 9, memLevel: 9 }),
    },
  );
  line('status list, 1,000,000 documents, 1 % revoked', `${(bytes.length / 1000).toFixed(1)} kB`);
}
