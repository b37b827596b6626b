import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { equalBytes, fromUtf8, utf8 } from '../bytes.ts';
import type { CryptoBackend } from '../crypto/backend.ts';
import { nodeBackend } from '../crypto/node.ts';
import { backends, wycheproofCases } from '../crypto/suites.ts';
import { type Case, readVectors, refuse, type Suite, vectorsPath } from '../vectors.ts';
import { checkNote, importVerifierKey, logKeyOf, parseNote } from './note.ts';
import {
  verifyConsistency,
  verifyInclusion,
  verifySubtreeConsistency,
  verifySubtreeInclusion,
} from './tree.ts';

/** For tests and the conformance command: the public suites of transparency logs. */

const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);

interface Probe {
  readonly wantErr: boolean;
  readonly proof: readonly string[] | null;
  readonly root?: string;
  readonly root1?: string;
  readonly root2?: string;
  readonly leafHash?: string;
  readonly leafIdx?: number;
  readonly treeSize?: number;
  readonly size1?: number;
  readonly size2?: number;
  readonly size?: number;
  readonly start?: number;
  readonly end?: number;
}

const bytes = (text: string | null | undefined): Uint8Array =>
  new Uint8Array(Buffer.from(text ?? '', 'base64'));

function accepts(kind: string, probe: Probe): Promise<boolean> {
  const proof = (probe.proof ?? []).map(bytes);
  const [root, root1, root2, leaf] = [probe.root, probe.root1, probe.root2, probe.leafHash].map(bytes) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const { leafIdx: index = 0, treeSize = 0, size = 0, size1 = 0, size2 = 0, start = 0, end = 0 } = probe;
  switch (kind) {
    case 'inclusion':
      return verifyInclusion({ index, size: treeSize, leaf, root, proof }, digest);
    case 'consistency':
      return verifyConsistency({ size1, size2, root1, root2, proof }, digest);
    case 'subtreeinclusion':
      return verifySubtreeInclusion({ index, start, end, leaf, root, proof }, digest);
    case 'subtreeconsistency':
      return verifySubtreeConsistency({ start, end, size, node: root1, root: root2, proof }, digest);
    default:
      throw new Error(`unknown kind ${kind}`);
  }
}

const proofCase = (name: string, kind: string, mustPass: boolean, probe: Probe): Case => ({
  name,
  mustPass,
  run: async () => {
    if (!(await accepts(kind, probe))) refuse('the proof does not hold');
  },
});

function* merkleCases(): Generator<Case> {
  const folder = 'suites/merkle/testdata';
  for (const kind of ['inclusion', 'consistency', 'subtreeinclusion', 'subtreeconsistency'])
    for (const name of readdirSync(join(vectorsPath(), folder, kind), { recursive: true }).map(String)) {
      if (!name.endsWith('.json')) continue;
      const probe = readVectors(join(folder, kind, name)) as Probe;
      yield proofCase(`${kind}/${name}`, kind, !probe.wantErr, probe);
    }
}

const rfc6962Cases = (): readonly Case[] =>
  readVectors('tlog/rfc6962-proofs.json').vectors.map(
    ({ id, kind, expectError, probe }: { id: string; kind: string; expectError: boolean; probe: Probe }) =>
      proofCase(id, kind, !expectError, probe),
  );

/** Each note as it is given, which is refused, and with plain newlines, which is right. */
const noteCases = (): readonly Case[] =>
  readVectors('tlog/signed-note.json').vectors.flatMap(
    ({ id, vkey, note }: { id: string; vkey: string; note: string }) =>
      [note, note.replaceAll('\r', '')].map((text) => ({
        name: text === note ? id : `${id} with plain newlines`,
        mustPass: text !== note,
        run: async () => {
          const known = await importVerifierKey(vkey, nodeBackend);
          if ((await checkNote(parseNote(utf8(text)), [known]))?.length !== 1) refuse('unsigned');
        },
      })),
  );

const isText = (message: Uint8Array): boolean => equalBytes(utf8(lenientText(message)), message);
const lenientText = (message: Uint8Array): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(message);

/** What is signed in a checkpoint is text: of the messages only those count that are. */
const checkpointCases = (backend: CryptoBackend) =>
  wycheproofCases(
    ['x509'],
    async ({ spki }) => {
      const signer = { algorithm: { name: 'ed25519' } as const, publicKey: spki, sign: () => spki };
      const name = 'verifier.example/log';
      const verifier = await importVerifierKey(await logKeyOf(name, signer, backend), backend);
      return async (signature, message) => {
        const signatures = [{ name, keyId: verifier.keyId, signature }];
        return (await checkNote({ text: fromUtf8(message), signatures }, [verifier]))?.length === 1;
      };
    },
    (algorithm, message) => algorithm.name === 'ed25519' && isText(message),
  );

export const logSuites: readonly Suite[] = [
  { name: 'Merkle proofs of transparency-dev', count: 518, cases: merkleCases },
  { name: 'Proofs of RFC 6962', count: 65, cases: rfc6962Cases },
  { name: 'C2SP signed note', count: 2, cases: noteCases },
  ...backends.map(([name, backend]) => ({
    name: `Wycheproof, checkpoints, ${name}`,
    count: 84,
    cases: () => checkpointCases(backend),
  })),
];
