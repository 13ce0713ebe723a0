/** A colour on white paper, and what takes its place on a dark ground. Each pair is one colour to `schemeRules`. */
export interface Colour {
  readonly light: string
  readonly dark: string
}

/** Of everything that is not data. */
export const ink: Readonly<Record<'ground' | 'text' | 'quiet' | 'line' | 'met' | 'missed', Colour>> = {
  ground: { light: '#ffffff', dark: '#15191e' },
  text: { light: '#1c2126', dark: '#e8eaed' },
  quiet: { light: '#545d66', dark: '#a9b2bb' },
  line: { light: '#d5dae0', dark: '#3b444d' },
  met: { light: '#006d4e', dark: '#4cc9a2' },
  missed: { light: '#b23c00', dark: '#ff9a62' },
}

/**
 * Of data: the palette of Okabe and Ito, which colour-blind eyes tell apart, darkened or lightened until each has a
 * contrast of 3 to 1 with its ground.
 */
export const palette: readonly Colour[] = [
  { light: '#0072b2', dark: '#4db2ea' },
  { light: '#c75400', dark: '#f28e4b' },
  { light: '#008763', dark: '#2fc79c' },
  { light: '#b0578a', dark: '#e0a0c6' },
  { light: '#8a6d00', dark: '#e8c33c' },
  { light: '#5a4fb5', dark: '#a79cf5' },
  { light: '#6f6f6f', dark: '#c4c4c4' },
  { light: '#7a2d20', dark: '#d98a7c' },
]

/** CSS that turns every light colour of a drawing into its dark one. Without CSS a drawing stays as it is: light. */
export function schemeRules(within: string): string {
  return [...Object.values(ink), ...palette]
    .map(({ light, dark }) => `${within}[fill="${light}"]{fill:${dark}}${within}[stroke="${light}"]{stroke:${dark}}`)
    .join('\n')
}
