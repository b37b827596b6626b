import { utf8 } from '../bytes.ts';

/** What the metadata stream says about a document. */
export interface Metadata {
  readonly title: string;
  /** BCP 47. */
  readonly language: string;
  readonly created: Date;
  readonly producer: string;
  readonly conformance?: Conformance | undefined;
}

/** What a document claims: a level of PDF/A-3 (ISO 19005-3 §5), and PDF/UA-1 (ISO 14289-1 §5). */
export interface Conformance {
  readonly archive: 'A' | 'U' | 'B';
  readonly accessible: boolean;
}

/** The identification schema of PDF/A is predefined (ISO 19005-3 §6.6.4). */
const archiveClaim = (level: Conformance['archive']): string =>
  `<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>${level}</pdfaid:conformance>
</rdf:Description>
`;

/** That of PDF/UA is not, so it is described (ISO 19005-3 §6.6.2.3.3). */
const accessibleClaim = `<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part></rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#">
<pdfaExtension:schemas><rdf:Bag><rdf:li rdf:parseType="Resource">
<pdfaSchema:schema>PDF/UA identification</pdfaSchema:schema><pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix>
<pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category><pdfaProperty:description>Part of ISO 14289</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property>
</rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description>
`;

/** An XMP packet (ISO 16684-1). */
export function xmpPacket({ title, language, created, producer, conformance }: Metadata): Uint8Array {
  const date = `${created.toISOString().slice(0, 19)}Z`;
  return utf8(
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">${escaped(title)}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>${escaped(language)}</rdf:li></rdf:Bag></dc:language>
<xmp:CreateDate>${date}</xmp:CreateDate>
<xmp:ModifyDate>${date}</xmp:ModifyDate>
<pdf:Producer>${escaped(producer)}</pdf:Producer>
</rdf:Description>
${conformance ? archiveClaim(conformance.archive) : ''}${conformance?.accessible ? accessibleClaim : ''}</rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`,
  );
}

/** The slash too: no text of a person may look like a PDF name to a program that searches the raw file. */
const escaped = (text: string): string =>
  text.replace(/[<>&"'/]|[^\P{Cc}\n]/gu, (character) =>
    /\p{Cc}/u.test(character) ? '\ufffd' : `&#${character.codePointAt(0)};`,
  );
