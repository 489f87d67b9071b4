// Light or dark before the first paint: what the reader chose before, else what the system prefers.
{
  const inputs = [...document.querySelectorAll("[data-md-component=palette] input")];
  const preferred = inputs.find((input) => matchMedia(input.dataset.mdColorMedia).matches);
  const color = __md_get("__palette")?.color ?? {
    scheme: preferred?.dataset.mdColorScheme ?? "default",
    media: preferred?.dataset.mdColorMedia ?? "",
  };
  for (const [key, value] of Object.entries(color)) {
    document.body.setAttribute(`data-md-color-${key}`, value);
  }
}
