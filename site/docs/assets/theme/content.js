// Before Material's own script starts, which is below in the page.
{
  // A link to a tab opens it.
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.name?.startsWith("__tabbed_")) target.checked = true;

  // Material takes the link to the feed for another language of the site, and requests the sitemap there, which
  // has a line for every result. With a second word in it, it is not what Material looks for.
  for (const link of document.querySelectorAll("link[rel=alternate][type]")) link.relList.add("feed");

  // Its search runs in a worker over a file that it requests: from a disk, browsers allow neither.
  if (location.protocol === "file:") {
    for (const part of document.querySelectorAll("[data-md-component=search], label[for=__search]")) part.remove();
  }
}
