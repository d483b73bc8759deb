"""A path that is not there: refused after the token, in the words of what is hidden."""

from typing import Any

from rest_framework.request import Request

from rest_api.problems import NotFoundError
from rest_api.views.endpoint import ApiView


class Nowhere(ApiView):
    """Any path under ``/api/`` that no view has."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Strangers get the challenge, everybody else nothing, whatever the method."""
        super().initial(request, *args, **kwargs)
        raise NotFoundError
