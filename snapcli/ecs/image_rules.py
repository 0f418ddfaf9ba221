"""Whether an image exists and may be used."""

from snapcli.api.errors import ApiError
from snapcli.ecs.image_data import PUBLIC_IMAGES, PublicImage


def require_image(image_id: str) -> PublicImage:
    """Return the public image, or raise ApiError InvalidImageId.NotFound."""
    image = PUBLIC_IMAGES.get(image_id)
    if image is None:
        from difflib import get_close_matches

        near = get_close_matches(image_id, PUBLIC_IMAGES, n=1)
        advice = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(PUBLIC_IMAGES)}."
        raise ApiError("InvalidImageId.NotFound", 404, f"There is no image {image_id!r}. {advice}")
    return image
