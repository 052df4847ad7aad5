namespace Berth.Core.Access;

/// <summary>What somebody is in a project. A higher one may do all that a lower one may.</summary>
public enum ProjectRole
{
    /// <summary>May read it and start its launchers.</summary>
    Viewer,
    /// <summary>May change it and its launchers.</summary>
    Editor,
    /// <summary>May also choose its members and delete it.</summary>
    Owner,
}

/// <summary>What can be done with a project.</summary>
public enum ProjectAction
{
    /// <summary>See it, its launchers and its members.</summary>
    Read,
    /// <summary>Start a session of one of its launchers: one's own, which nobody else sees.</summary>
    Launch,
    /// <summary>Change its name, repositories and the like; start sessions that are of no launcher in it.</summary>
    Edit,
    /// <summary>Create, change and delete its launchers.</summary>
    EditLaunchers,
    /// <summary>Add and remove members.</summary>
    EditMembers,
    /// <summary>Delete it.</summary>
    Delete,
}

/// <summary>Who may do what: pure, and in one place.</summary>
public static class Permissions
{
    /// <summary>
    /// What a caller is in a project: what it made them a member as, or a viewer where it is public; null: it does not exist
    /// for them. Being an admin of the server gives no right to a project.
    /// </summary>
    public static ProjectRole? RoleIn(bool isPublic, ProjectRole? membership) => membership ?? (isPublic ? ProjectRole.Viewer : null);

    /// <summary>The table of roles and actions.</summary>
    public static bool May(this ProjectRole role, ProjectAction action) => action switch
    {
        ProjectAction.Read or ProjectAction.Launch => role >= ProjectRole.Viewer,
        ProjectAction.Edit or ProjectAction.EditLaunchers => role >= ProjectRole.Editor,
        ProjectAction.EditMembers or ProjectAction.Delete => role >= ProjectRole.Owner,
        _ => throw new ArgumentOutOfRangeException(nameof(action), action, "An action without a rule."),
    };

    /// <summary>Whether a resource pool exists for a user: it is public, they are one of its users, or they keep pools.</summary>
    public static bool MayUsePool(bool isPublic, bool isPoolUser, bool isAdmin) => isPublic || isPoolUser || isAdmin;

    /// <summary>The role as the API writes it.</summary>
    public static string Word(this ProjectRole role) => role switch
    {
        ProjectRole.Viewer => "viewer",
        ProjectRole.Editor => "editor",
        ProjectRole.Owner => "owner",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "A role without a word."),
    };

    /// <summary>The role of a word; null: there is none.</summary>
    public static ProjectRole? RoleOf(string? word) => word switch
    {
        "viewer" => ProjectRole.Viewer,
        "editor" => ProjectRole.Editor,
        "owner" => ProjectRole.Owner,
        _ => null,
    };
}
