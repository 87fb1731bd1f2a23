// The marketplace's domains by country. Contract: Hosts.

export interface Domain {
  /** ISO 3166 code of the country. */
  readonly country: string;
  readonly domain: string;
  /** The IANA time zone of most calendars in the country. */
  readonly timeZone: string;
}

export const domains: readonly Domain[] = [
  { country: 'PL', domain: 'znanylekarz.pl', timeZone: 'Europe/Warsaw' },
  { country: 'ES', domain: 'doctoralia.es', timeZone: 'Europe/Madrid' },
  { country: 'IT', domain: 'miodottore.it', timeZone: 'Europe/Rome' },
  { country: 'DE', domain: 'jameda.de', timeZone: 'Europe/Berlin' },
  { country: 'PT', domain: 'doctoralia.com.pt', timeZone: 'Europe/Lisbon' },
  { country: 'CZ', domain: 'znamylekar.cz', timeZone: 'Europe/Prague' },
  { country: 'TR', domain: 'doktortakvimi.com', timeZone: 'Europe/Istanbul' },
  { country: 'BR', domain: 'doctoralia.com.br', timeZone: 'America/Sao_Paulo' },
  { country: 'MX', domain: 'doctoralia.mx', timeZone: 'America/Mexico_City' },
  { country: 'CO', domain: 'doctoralia.co', timeZone: 'America/Bogota' },
  { country: 'CL', domain: 'doctoralia.cl', timeZone: 'America/Santiago' },
  { country: 'AR', domain: 'doctoraliar.com', timeZone: 'America/Argentina/Buenos_Aires' },
  { country: 'PE', domain: 'doctoralia.pe', timeZone: 'America/Lima' },
];

/**
 * The base URL of a marketplace domain, always on its `www.` host: the bare domain redirects, and a followed redirect turns a POST
 * into a GET. Another host is configured by its whole base URL instead.
 * @throws TypeError for a domain that is not the marketplace's, because credentials would be sent there
 */
export function baseUrlOf(domain: string): string {
  const bare = domain.toLowerCase().replace(/^www\./, '');
  if (!domains.some((known) => known.domain === bare)) {
    const names = domains.map((known) => known.domain).join(', ');
    throw new TypeError(`domain: ${JSON.stringify(domain)} is not one of the marketplace's (${names})`);
  }
  return `https://www.${bare}`;
}
