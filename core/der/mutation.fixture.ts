import { concatBytes } from '../bytes.ts';
import { element } from './writer.ts';

/** For tests only: DER that is changed at random, and the randomness, which a seed repeats. */

export interface Random {
  /** A whole number from 0, below `bound`. */
  below(bound: number): number;
  one<T>(list: readonly T[]): T;
}

/** Mulberry32: every case of a run has a generator of its own, so that it can be made again alone. */
export function seeded(seed: number): Random {
  let state = seed | 0;
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound);
  };
  return { below, one: (list) => list[below(list.length)] as (typeof list)[number] };
}

interface Tree {
  tag: number;
  content: Uint8Array;
  children: Tree[] | undefined;
  /** How the length is written; DER has one way. */
  form: 'der' | 'long' | 'indefinite';
}

function trees(bytes: Uint8Array): Tree[] {
  const found: Tree[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at] as number;
    const first = bytes[at + 1] as number;
    const octets = first < 0x80 ? 0 : first & 0x7f;
    let length = octets === 0 ? first : 0;
    for (let i = 0; i < octets; i++) length = length * 256 + (bytes[at + 2 + i] as number);
    const start = at + 2 + octets;
    const content = bytes.subarray(start, start + length);
    found.push({ tag, content, children: (tag & 0x20) !== 0 ? trees(content) : undefined, form: 'der' });
    at = start + length;
  }
  return found;
}

function encode({ tag, content, children, form }: Tree): Uint8Array {
  const value = children ? concatBytes(...children.map(encode)) : content;
  if (form === 'indefinite') return concatBytes(Uint8Array.of(tag, 0x80), value, Uint8Array.of(0, 0));
  if (form === 'long')
    return concatBytes(
      Uint8Array.of(tag, 0x84, value.length >>> 24, value.length >>> 16, value.length >>> 8, value.length),
      value,
    );
  return element(tag, value);
}

const copyOf = (tree: Tree): Tree => ({ ...tree, children: tree.children?.map(copyOf) });

function* nodes(tree: Tree): Generator<Tree> {
  yield tree;
  for (const child of tree.children ?? []) yield* nodes(child);
}

/** A change of the structure, whose lengths are right again afterwards. */
const structural: readonly (readonly [
  string,
  (random: Random, parent: Tree, all: readonly Tree[]) => void,
])[] = [
  ['a member left out', (random, { children }) => void children?.splice(random.below(children.length), 1)],
  [
    'a member twice',
    (random, { children = [] }) => {
      const at = random.below(children.length);
      children.splice(at, 0, copyOf(children[at] as Tree));
    },
  ],
  [
    'two members exchanged',
    (random, { children = [] }) => {
      const [a, b] = [random.below(children.length), random.below(children.length)];
      [children[a], children[b]] = [children[b] as Tree, children[a] as Tree];
    },
  ],
  [
    'a member replaced by another part',
    (random, { children = [] }, all) => {
      children[random.below(children.length)] = copyOf(random.one(all));
    },
  ],
  [
    'another part added',
    (random, { children = [] }, all) =>
      void children.splice(random.below(children.length + 1), 0, copyOf(random.one(all))),
  ],
  [
    'another tag',
    (random, { children = [] }) => {
      random.one(children).tag ^= 1 << random.below(8);
    },
  ],
  [
    'a length in BER',
    (random, { children = [] }) => {
      const member = random.one(children);
      member.form = member.children && random.below(2) === 0 ? 'indefinite' : 'long';
    },
  ],
  [
    'a value changed',
    (random, _parent, all) => {
      const leaf = random.one(all.filter(({ children, content }) => !children && content.length > 0));
      leaf.content = leaf.content.slice();
      const at = random.below(leaf.content.length);
      leaf.content[at] = random.below(256);
    },
  ],
  [
    'a value cut short or made longer',
    (random, _parent, all) => {
      const leaf = random.one(all.filter(({ children }) => !children));
      const { content } = leaf;
      leaf.content =
        random.below(2) === 0
          ? content.subarray(0, random.below(content.length + 1))
          : concatBytes(content, Uint8Array.of(random.below(256)));
    },
  ],
];

/** A change of the bytes, whatever they mean. */
export const bytewise: readonly (readonly [string, (random: Random, bytes: Uint8Array) => Uint8Array])[] = [
  [
    'a bit flipped',
    (random, bytes) => {
      const copy = bytes.slice();
      const at = random.below(copy.length);
      copy[at] = (copy[at] as number) ^ (1 << random.below(8));
      return copy;
    },
  ],
  [
    'a byte replaced',
    (random, bytes) => {
      const copy = bytes.slice();
      copy[random.below(copy.length)] = random.below(256);
      return copy;
    },
  ],
  [
    'bytes cut out',
    (random, bytes) => {
      const at = random.below(bytes.length);
      return concatBytes(bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(16)));
    },
  ],
  [
    'bytes doubled',
    (random, bytes) => {
      const at = random.below(bytes.length);
      const end = at + 1 + random.below(64);
      return concatBytes(bytes.subarray(0, end), bytes.subarray(at));
    },
  ],
  [
    'two stretches exchanged',
    (random, bytes) => {
      const [a = 0, b = 0, c = 0] = [0, 0, 0].map(() => random.below(bytes.length)).sort((x, y) => x - y);
      return concatBytes(bytes.subarray(0, a), bytes.subarray(b, c), bytes.subarray(a, b), bytes.subarray(c));
    },
  ],
  ['cut short', (random, bytes) => bytes.subarray(0, random.below(bytes.length))],
  [
    'bytes behind it',
    (random, bytes) =>
      concatBytes(
        bytes,
        Uint8Array.from({ length: 1 + random.below(8) }, () => random.below(256)),
      ),
  ],
];

export interface Mutant {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** DER changed in one to three places: mostly its structure, else its bytes. */
export function mutatedDer(random: Random, der: Uint8Array): Mutant {
  const [root] = trees(der);
  if (!root || random.below(4) === 0) {
    const [what, change] = random.one(bytewise);
    return { what, bytes: change(random, der) };
  }
  const told: string[] = [];
  for (let left = 1 + random.below(3); left > 0; left--) {
    const all = [...nodes(root)];
    const parents = all.filter(({ children }) => children && children.length > 0);
    if (parents.length === 0) break;
    const [what, change] = random.one(structural);
    change(random, random.one(parents), all);
    told.push(what);
  }
  return { what: told.join(', '), bytes: encode(root) };
}
