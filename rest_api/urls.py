"""The paths of the API; ``ApiMiddleware`` answers them before sessions exist."""

from django.urls import path

from rest_api.views.activity import ActivityEventView, ActivityView
from rest_api.views.connections import ConnectionsView, ConnectionView, PauseView, ResumeView
from rest_api.views.me import MeView
from rest_api.views.personal_tokens import PersonalTokensView, PersonalTokenView
from rest_api.views.reference import ReferenceView, SchemaView

operations = [
    path("api/v1/me", MeView.as_view()),
    path("api/v1/connections", ConnectionsView.as_view()),
    path("api/v1/connections/<uuid:id>", ConnectionView.as_view()),
    path("api/v1/connections/<uuid:id>/pause", PauseView.as_view()),
    path("api/v1/connections/<uuid:id>/resume", ResumeView.as_view()),
    path("api/v1/personal-access-tokens", PersonalTokensView.as_view()),
    path("api/v1/personal-access-tokens/<uuid:id>", PersonalTokenView.as_view()),
    path("api/v1/activity", ActivityView.as_view()),
    path("api/v1/activity/<int:id>", ActivityEventView.as_view()),
]
urlpatterns = [
    *operations,
    path("api/v1/schema", SchemaView.as_view(), name="api-schema"),
    path("api/v1/docs", ReferenceView.as_view(), name="api-reference"),
    path("api/v1/", ReferenceView.as_view()),
]
