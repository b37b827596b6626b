import { maximumPrivateFields } from '../seal/disclosure.ts';
import { type DocumentDefinition, madeOf, type RowDefinition, type Words } from './definition.ts';
import type { Path } from './source.ts';
import { parseTemplate } from './template.ts';

/** A private row, where it stands in document.yaml, and the heading that it is printed under. */
interface PrivateRow {
  readonly row: RowDefinition;
  readonly path: Path;
  readonly heading: Words | undefined;
}

/** The rows that the seal holds as salted hashes only; they stand outside `each`. */
export function privateRows({ blocks }: DocumentDefinition): readonly PrivateRow[] {
  const found: PrivateRow[] = [];
  let heading: Words | undefined;
  blocks.forEach((block, i) => {
    if ('heading' in block) heading = block.heading;
    if (!('rows' in block)) return;
    block.rows.forEach((row, j) => {
      if (row.private) found.push({ row, path: ['blocks', i, 'rows', j], heading });
    });
  });
  return found;
}

/**
 * What makes marks of private rows wrong: where a field could not be told by itself, and where the promise would be
 * empty since the seal says the same in clear.
 */
export function privateRowProblems(document: DocumentDefinition): { path: Path; reason: string }[] {
  const problems: { path: Path; reason: string }[] = [];
  const report = (path: Path, reason: string) => problems.push({ path: [...path, 'private'], reason });
  document.blocks.forEach((block, i) => {
    if (!('each' in block)) return;
    block.blocks.forEach((one, j) => {
      if (!('rows' in one)) return;
      one.rows.forEach((row, k) => {
        const path = ['blocks', i, 'blocks', j, 'rows', k];
        if (row.private)
          report(path, 'a row under "each" cannot be private: their number would tell the list');
      });
    });
  });

  const rows = privateRows(document);
  const fields = document.blocks.flatMap((block) =>
    'rows' in block ? block.rows.map(({ field }) => field) : [],
  );
  const clear = toldInClear(document);
  rows.forEach(({ row, path, heading }, at) => {
    if (at === maximumPrivateFields)
      report(path, `a document has at most ${maximumPrivateFields} private rows`);
    if (fields.indexOf(row.field) < fields.lastIndexOf(row.field))
      report(path, `the row "${row.field}" stands twice: a private row has a name of its own`);
    const twin = rows.slice(0, at).find((other) => sameWords(other, { row, heading }));
    if (twin)
      report(path, `"${twin.row.field}" has the same heading and label: a holder could not tell them apart`);
    const told = placesOf(row.value).find((place) => clear.some((known) => covers(known, place)));
    if (told !== undefined) report(path, `"${told}" is in the seal in clear, by the claims of the document`);
  });
  return problems;
}

function sameWords(one: Pick<PrivateRow, 'row' | 'heading'>, other: Pick<PrivateRow, 'row' | 'heading'>) {
  return (['fr', 'en'] as const).some(
    (language) =>
      one.row.label[language] === other.row.label[language] &&
      one.heading?.[language] === other.heading?.[language],
  );
}

/** The paths whose values anyone can read in the seal: of the holder, and of claims that write them as they are. */
function toldInClear({ claims, values = {} }: DocumentDefinition): readonly string[] {
  const { holder, include, extra = {} } = claims;
  const extras = Object.values(extra).flatMap(({ value }) => placesOf(value));
  return [
    ...include.map((claim) => `${holder}.${madeOf[claim]}`),
    ...extras.flatMap((place) => {
      const source = /^v\./.test(place) ? values[place.slice(2)] : undefined;
      const [, call, path] = /^(fullName\()?(data(?:\.\w+)+)\)?$/.exec(source ?? '') ?? [];
      if (path === undefined) return [place];
      return call === undefined ? [place, path] : [place, ...namePlaces(path)];
    }),
  ];
}

/** The values that a text writes; a name is made of its parts. */
function placesOf(text: string | Words): readonly string[] {
  return (typeof text === 'string' ? [text] : [text.fr, text.en]).flatMap((one) => {
    const parsed = parseTemplate(one);
    if (typeof parsed === 'string') return [];
    return parsed.places.flatMap(({ path, format }) =>
      format === 'name' ? namePlaces(path.join('.')) : [path.join('.')],
    );
  });
}

const namePlaces = (person: string): readonly string[] => [`${person}.familyName`, `${person}.givenNames`];

const covers = (known: string, place: string): boolean => place === known || place.startsWith(`${known}.`);
