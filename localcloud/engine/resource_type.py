"""What a row of `types/` says about a resource type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Setter = Callable[[Any, str, Any, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Tagging:
    """How tags of an existing resource are changed: `key` names the parameter that identifies it, as JMESPath.

    `fixed` are parameters that both methods always get.
    """

    add: str
    remove: str
    key: Mapping[str, str]
    fixed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One resource type, as calls of a boto3 client.

    Values of `id`, `key` and `outputs` are JMESPath expressions over `in` (inputs), `res` (the last answer), `id`,
    `out` (outputs), `region` and `account`.

    Attributes:
        service: boto3's name of the service.
        create: Method that makes it; also the one that changes it when `put` is set.
        delete: Method that removes it; empty when there is nothing to remove.
        read: Method that fails with a "not found" code when it is gone.
        id: The resource's id.
        key: Request parameters that identify it.
        name: Input that names it; made up from the program's name when absent.
        paths: Where an input goes, if not to the parameter of its own name: `A.B` nests, `X|Y` is the first that the
            call has.
        updates: Inputs by the method that changes them; those that `create` does not take are set after it.
        put: Whether `create` replaces what is there.
        overwrite: Parameters that `create` gets when it does.
        attributes: Inputs that are entries of an Attributes map, with AWS's name of each.
        attribute_setter: Method that changes attributes.
        tagging: How tags are changed.
        replace: Inputs whose change needs a new resource. One that is removed and has no default does, too.
        always_replace: Whether any change does.
        local: Inputs that only the engine reads.
        defaults: Values that an input returns to when it is removed.
        outputs: Outputs beside the inputs.
        actual: Inputs that `read` tells, for `refresh`.
        is_there: Called with the answer of `read`, id and inputs, where a missing resource is no error.
        setters: Inputs that AWS sets by one call and takes away by another: called with client, id, the value (None
            when it was taken away) and the outputs before.
        fixed: Parameters that a method always gets.
        prepare: Reshapes inputs before they become parameters; in a preview those that are unknown are not there.
        before_delete: Called with client, id and inputs, before `delete` or instead of it.
        settled: Called with client and id until it returns True.
        find: Id of an existing resource with these inputs, for types whose id AWS makes up.
    """

    service: str
    create: str
    delete: str
    id: str
    key: Mapping[str, str]
    read: str = ""
    name: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    updates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    put: bool = False
    overwrite: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    attribute_setter: str = ""
    tagging: Tagging | None = None
    replace: tuple[str, ...] = ()
    always_replace: bool = False
    local: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    actual: Mapping[str, str] = field(default_factory=dict)
    is_there: Callable[[Any, str, Mapping[str, Any]], bool] | None = None
    setters: Mapping[str, Setter] = field(default_factory=dict)
    fixed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    prepare: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    before_delete: Callable[[Any, str, Mapping[str, Any]], None] | None = None
    settled: Callable[[Any, str], bool] | None = None
    find: Callable[[Any, Mapping[str, Any]], str | None] | None = None

    @property
    def takes_tags(self) -> bool:
        """Whether it has tags, the provider's default tags among them."""
        return self.tagging is not None or "tags" in self.paths
